"""Draws the growth of an edit's time as SVG, both axes logarithmic."""
import math
import statistics
from pathlib import Path

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 860, 520, 80, 190, 50, 60
COLOURS = {"zonecrier": "#c2410c", "zonecrier, settle time in it": "#f0a070", "knot": "#1d4ed8", "nsd": "#15803d", "bind": "#6b21a8"}


def series(results, row):
    """name -> [(x, median, min, max)]"""
    points = {}
    for result in results:
        if result["row"] != row or "values" not in result:
            continue
        for metric, value in result["values"].items():
            name = result["contender"]
            if name == "zonecrier" and metric == "in_place_ms":
                name = "zonecrier, settle time in it"
            elif metric != ("rename_ms" if name == "zonecrier" else "command_ms"):
                continue
            points.setdefault(name, {}).setdefault(result["x"], []).append(value)
    return {name: [(x, statistics.median(v), min(v), max(v)) for x, v in sorted(by_x.items())] for name, by_x in points.items()}


def decades(low, high):
    return range(math.floor(math.log10(low) + 1e-9), math.ceil(math.log10(high) - 1e-9) + 1)


def power(exponent, unit=""):
    value = 10 ** exponent
    if unit == "ms":
        return f"{value / 1000:g} s" if value >= 1000 else f"{value:g} ms"
    return f"{value // 1000000} M" if value >= 1000000 else f"{value:,}"


def draw(lines, title, x_title):
    xs = [x for line in lines.values() for x, *_ in line]
    ys = [y for line in lines.values() for _, _, *span in line for y in span]
    x_decades, y_decades = decades(min(xs), max(xs)), decades(min(ys), max(ys))
    x_low, x_high, y_low, y_high = x_decades[0], max(x_decades[-1], x_decades[0] + 1), y_decades[0], max(y_decades[-1], y_decades[0] + 1)
    def at_x(x):
        return LEFT + (math.log10(x) - x_low) / (x_high - x_low) * (WIDTH - LEFT - RIGHT)
    def at_y(y):
        return HEIGHT - BOTTOM - (math.log10(y) - y_low) / (y_high - y_low) * (HEIGHT - TOP - BOTTOM)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" font-family="sans-serif" font-size="13">',
           f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>', f'<text x="{LEFT}" y="28" font-size="17" font-weight="bold">{title}</text>']
    for exponent in range(x_low, x_high + 1):
        x = at_x(10 ** exponent)
        out.append(f'<line x1="{x:.1f}" y1="{TOP}" x2="{x:.1f}" y2="{HEIGHT - BOTTOM}" stroke="#dddddd"/>')
        out.append(f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 20}" text-anchor="middle">{power(exponent)}</text>')
    for exponent in range(y_low, y_high + 1):
        y = at_y(10.0 ** exponent)
        out.append(f'<line x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}" stroke="#dddddd"/>')
        out.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{power(exponent, "ms")}</text>')
    out.append(f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 16}" text-anchor="middle">{x_title}</text>')
    label_y = -100.0
    for name, line in sorted(lines.items(), key=lambda item: at_y(item[1][-1][1])):
        colour = COLOURS.get(name, "#444444")
        path = " ".join(f"{at_x(x):.1f},{at_y(y):.1f}" for x, y, *_ in line)
        out.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2.5"/>')
        for x, y, low, high in line:
            out.append(f'<line x1="{at_x(x):.1f}" y1="{at_y(low):.1f}" x2="{at_x(x):.1f}" y2="{at_y(high):.1f}" stroke="{colour}" stroke-width="1"/>')
            out.append(f'<circle cx="{at_x(x):.1f}" cy="{at_y(y):.1f}" r="3.5" fill="{colour}"/>')
        label_y = max(label_y + 17, at_y(line[-1][1]) + 4)
        out.append(f'<text x="{at_x(line[-1][0]) + 9:.1f}" y="{label_y:.1f}" fill="{colour}">{name}</text>')
    return "\n".join(out + ["</svg>", ""])


def growth(results, folder):
    """Writes a picture for each growth row that has two points at least; returns the paths."""
    drawn = []
    for row, title, x_title in (("growth-size", "One record edited: write to first NOTIFY", "records in the zone"),
                                ("growth-count", "One record edited in one of many zones: write to first NOTIFY", "zones of 10 records")):
        lines = series(results, row)
        if sum(len(line) for line in lines.values()) >= 2:
            path = Path(folder) / f"{row}.svg"
            path.write_text(draw(lines, title, x_title))
            drawn.append(path)
    return drawn
