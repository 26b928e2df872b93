"""The figures and tables of arXiv 2603.10562 from our code, with its authors' recorded values beside ours.

    python benchmarks/paper.py [transition] [displacement] [retraining] [--out build/paper] [--epochs 3]
                               [--seeds 0 1 2]

Writes a picture, a CSV file and a Markdown table of each part into a folder,
and prints the tables.  Retraining takes most of the time; its results are kept
in ``retraining.json`` of that folder, and a run that was killed continues.
"""

from __future__ import annotations

from pathlib import Path

import paper_displacement
import paper_retraining
import paper_transition
import torch
from paper_tables import load_recorded
from published import arguments, load_published

PARTS = ("transition", "displacement", "retraining")


def main() -> None:
    parser = arguments(__doc__ or "")
    parser.add_argument("parts", nargs="*", help=f"{', '.join(PARTS)}; all by default")
    parser.add_argument("--out", type=Path, default=Path(__file__).parents[1] / "build" / "paper")
    parser.add_argument("--epochs", type=int, default=3, help="of retraining, per word length")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="of retraining; several give mean and spread")
    options = parser.parse_args()
    if unknown := set(options.parts) - set(PARTS):
        parser.error(f"{', '.join(sorted(unknown))}: expected {', '.join(PARTS)}")
    parts = options.parts or PARTS
    torch.set_num_threads(1)
    options.out.mkdir(parents=True, exist_ok=True)
    published, recorded = load_published(options.shared), load_recorded(options.shared)

    if "transition" in parts:
        points = paper_transition.measure(published)
        paper_transition.draw(points, options.out / "transition.png")
        paper_transition.table(points, recorded).write(options.out)
    if "displacement" in parts:
        comparisons = paper_displacement.measure(published)
        paper_displacement.draw(comparisons, options.out / "displacement.png")
        paper_displacement.recorded_table(comparisons, recorded).write(options.out)
        paper_displacement.table(comparisons).write(options.out)
    if "retraining" in parts:
        results = paper_retraining.measure(published, options.shared, options.epochs, options.seeds, options.out)
        paper_retraining.draw(results, options.out / "retraining.png")
        paper_retraining.table(results, recorded).write(options.out)


if __name__ == "__main__":
    main()
