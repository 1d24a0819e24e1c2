// The samples of the last minutes. They outlive the page that shows them, not the tab.
import type { Figures } from "../engine/api.ts";
import { type Sample, sampleOf } from "./rates.ts";

/** How many samples are kept: three minutes of one every two seconds. */
export const ROOM = 90;

let last: Figures | undefined;
let samples: Sample[] = [];

/** Takes in a reading, and answers all samples, oldest first. */
export function add(reading: Figures): Sample[] {
	const before = last;
	last = reading;
	if (before === undefined || reading.ts <= before.ts) return samples;
	const sample = sampleOf(before, reading);
	samples = sample === undefined ? [] : [...samples, sample].slice(-ROOM);
	return samples;
}
