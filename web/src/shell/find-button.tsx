/** The button that opens the command palette. */
export function FindButton({ showCommands }: { readonly showCommands: () => void }) {
  return (
    <button type="button" className="find" onClick={showCommands} aria-haspopup="dialog">
      Find<kbd aria-hidden="true">Ctrl K</kbd>
    </button>
  );
}
