// What the rounds come to, row by row, and how it is printed.
import { ROWS } from "./rows.mjs";
import { median } from "./statistics.mjs";

// From here on, the app's process has no more to give: its JavaScript runs on one core.
const AT_LIMIT = 0.9;

function figure(measurement, name) {
	return name === "share" ? measurement?.cores?.engine : measurement?.[name];
}

// No answer at all is told as a latency of nothing.
function ratio(ours, upstream) {
	if (upstream === 0) return ours === 0 ? 1 : Infinity;
	return ours / upstream;
}

const known = (values) => values.filter((value) => Number.isFinite(value));
const middle = (values) => (known(values).length === 0 ? undefined : median(known(values)));

function sum(row, rounds) {
	const side = (name) => rounds.map((round) => round[name]?.[row.of]);
	const values = (name) => side(name).map((measurement) => figure(measurement, row.figure));
	const [upstreams, ours] = [values("upstream"), values("ours")];
	const ratios = ours
		.map((value, round) => ratio(value, upstreams[round]))
		.filter((value) => !Number.isNaN(value));
	const cores = (name) => {
		const all = side(name).map((measurement) => measurement?.cores);
		const engine = middle(all.map((one) => one?.engine));
		return engine === undefined ? undefined : { engine, app: middle(all.map((one) => one?.app)) };
	};
	const result = {
		...{ section: row.section, label: row.label, unit: row.unit, goal: row.goal?.text, of: row.of, figure: row.figure },
		upstream: middle(upstreams),
		ours: middle(ours),
		ratio: ratios.length === 0 ? undefined : median(ratios),
		ratios,
		cores: { upstream: cores("upstream"), ours: cores("ours") },
	};
	result.limited = result.cores.ours?.app >= AT_LIMIT;
	// What upstream did not manage at all has no ratio to be missed by.
	if (result.ratio === undefined && result.ours !== undefined) result.ratio = row.goal?.text.startsWith("≥") ? Infinity : 0;
	if (result.ours === undefined) result.verdict = "no figure";
	else if (row.goal !== undefined) result.verdict = row.goal.meets(result) ? "met" : "missed";
	return result;
}

/** Sums up the rounds of each section. */
export function summarize(sections) {
	const rows = ROWS.filter((row) => sections[row.section]?.length > 0);
	const results = rows.map((row) => sum(row, sections[row.section]));
	for (const [index, result] of results.entries()) {
		const counts = rows[index].limited;
		if (result.verdict !== "missed" || counts === undefined || !result.limited) continue;
		// The app takes no more, from whichever engine: what this one spends on it is what counts.
		const other = results.find((one) => one.section === result.section && one.of === result.of && one.figure === counts);
		if (other?.verdict === "met") result.verdict = "app's limit";
	}
	return results;
}

function number(value) {
	if (value === undefined || Number.isNaN(value)) return "–";
	if (value === Infinity) return "∞";
	if (value === 0) return "0";
	if (Math.abs(value) >= 100) return value.toFixed(0);
	return value.toPrecision(3);
}

function times(value) {
	if (value === undefined || value === 0 || value === Infinity) return number(value);
	return value < 0.1 ? `1/${(1 / value).toFixed(0)}` : value.toPrecision(3);
}

const percent = (cores) => (cores === undefined ? "" : `${Math.round(cores.engine * 100)} / ${Math.round(cores.app * 100)}`);

/** The results as lines of text. */
export function print(results) {
	const head = ["", "upstream", "ours", "unit", "ratio", "goal", "", "CPU % upstream", "CPU % ours", ""];
	const lines = results.map((one) => [
		one.label,
		number(one.upstream),
		number(one.ours),
		one.unit,
		times(one.ratio),
		one.goal ?? "",
		one.verdict ?? "",
		percent(one.cores.upstream),
		percent(one.cores.ours),
		one.limited ? "app at its limit" : "",
	]);
	const widths = head.map((name, column) => Math.max(...[head, ...lines].map((line) => line[column].length)));
	const right = new Set([1, 2, 4]);
	const lay = (line) =>
		line.map((cell, column) => (right.has(column) ? cell.padStart(widths[column]) : cell.padEnd(widths[column]))).join("  ").trimEnd();
	const missed = results.filter((one) => one.verdict === "missed" || one.verdict === "no figure").length;
	return [
		lay(head),
		...lines.map(lay),
		"",
		"Ratio: ours to upstream, the median of the rounds. CPU: engine / app, in percent of one core while the figure was taken.",
		"App at its limit: its process uses 90 % of a core or more under our engine; then the engine's CPU each is what counts.",
		`${results.filter((one) => one.verdict !== undefined).length - missed} goals met, ${missed} missed or without a figure.`,
	].join("\n");
}
