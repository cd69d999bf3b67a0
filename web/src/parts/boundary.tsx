/**
 * Keeps an error of one part of the page from removing the rest, which is what React does without it. The part is
 * tried again after a while, because the values that it could not show may be gone.
 */
import { Component, type ReactNode } from "react";

const RETRY_MS = 10_000;

export interface BoundaryProps {
  /** Shown in place of a part that failed. */
  readonly fallback: (reason: string) => ReactNode;
  readonly children: ReactNode;
}

interface BoundaryState {
  readonly reason: string | null;
}

export class Boundary extends Component<BoundaryProps, BoundaryState> {
  override state: BoundaryState = { reason: null };
  #timer: ReturnType<typeof setTimeout> | undefined;

  static getDerivedStateFromError(error: unknown): BoundaryState {
    return { reason: error instanceof Error ? error.message : String(error) };
  }

  override componentDidMount(): void {
    this.#planRetry(); // in StrictMode, React unmounts and mounts it again
  }

  override componentDidCatch(): void {
    this.#planRetry();
  }

  override componentWillUnmount(): void {
    clearTimeout(this.#timer);
  }

  #planRetry(): void {
    clearTimeout(this.#timer);
    if (this.state.reason === null) return;
    this.#timer = setTimeout(() => {
      this.setState({ reason: null });
    }, RETRY_MS);
  }

  override render(): ReactNode {
    const { reason } = this.state;
    return reason === null ? this.props.children : this.props.fallback(reason);
  }
}
