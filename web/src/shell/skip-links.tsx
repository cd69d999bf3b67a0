/** Links to the parts of the page, for viewers with a keyboard: a page has up to a hundred stops of the tab key. */
import "./skip-links.css";

const PARTS = [
  ["vital-signs", "vital signs"],
  ["charts", "charts"],
  ["processes", "processes"],
  ["tables", "tables"],
] as const;

export function SkipLinks() {
  return (
    <nav className="skip-links" aria-label="Parts of the page">
      {PARTS.map(([id, name]) => (
        <a
          key={id}
          href={`#${id}`}
          onClick={(event) => {
            event.preventDefault(); // the address stays as it is, because it is the view
            document.getElementById(id)?.focus();
          }}
        >
          Skip to {name}
        </a>
      ))}
    </nav>
  );
}
