/** A tile of two rates of bytes, such as received and sent. The sparkline shows the higher one in front. */
import { Spark } from "../charts/spark";
import { byteRate } from "../format/numbers";
import { usePicture } from "../store/use-telemetry";
import { Tile, type TileProps } from "./tile";
import "./pair-tile.css";

type Two<T> = readonly [T, T];

export interface PairTileProps extends Omit<TileProps, "numeral" | "spark"> {
  /** A sign before each number, and for screen readers the word in its place. */
  readonly marks: Two<string>;
  readonly words: Two<string>;
  /** Bytes per second. */
  readonly rates: Two<number | null | undefined>;
  readonly columns: Two<string>;
  /** The smallest range of the sparkline. */
  readonly minSpan: number;
}

export function PairTile({ marks, words, rates, columns, minSpan, ...tile }: PairTileProps) {
  const picture = usePicture((now) => now);
  const secondIsHigher = (rates[1] ?? 0) > (rates[0] ?? 0);
  const [front, back] = secondIsHigher ? [columns[1], columns[0]] : columns;
  return (
    <Tile
      {...tile}
      numeral={<Pair marks={marks} words={words} rates={rates} />}
      spark={
        <Spark
          picture={picture}
          values={picture.slice.column(front)}
          second={picture.slice.column(back)}
          minSpan={minSpan}
        />
      }
    />
  );
}

function Pair({ marks, words, rates }: Pick<PairTileProps, "marks" | "words" | "rates">) {
  return (
    <span className="numeral pair">
      {rates.map(byteRate).map(({ value, unit }, index) => (
        <span className="pair-row" key={index}>
          <i aria-hidden="true">{marks[index]}</i>
          <span className="visually-hidden">{words[index]} </span>
          <span className="value">{value}</span>
          <span className="unit">{unit}</span>
        </span>
      ))}
    </span>
  );
}
