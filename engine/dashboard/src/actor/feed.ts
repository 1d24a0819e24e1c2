// Actors of several names as one list, newest first. The engine lists one name at a time.
import type { Actor } from "../engine/api.ts";

/** Reads a page of a name's actors: newest first, after `cursor`. */
export type ReadPage = (name: string, cursor: string | undefined) => Promise<{ actors: Actor[]; cursor: string | undefined }>;

interface Source {
	name: string;
	/** Read, and not yet handed out. */
	ahead: Actor[];
	cursor: string | undefined;
	isEnded: boolean;
}

/** Merges the lists of names. What was handed out once is not kept. */
export class Feed {
	#sources: Source[];
	#read: ReadPage;
	/** How many actors were looked at, shown or not. */
	looked = 0;

	constructor(names: readonly string[], read: ReadPage) {
		this.#sources = names.map((name) => ({ name, ahead: [], cursor: undefined, isEnded: false }));
		this.#read = read;
	}

	/**
	 * Up to `wanted` more actors that are `fit`, after looking at about `most` at most: so a rare one does not
	 * make the page read everything there is. `isEnded` says that there are no more.
	 */
	async next(wanted: number, fit: (actor: Actor) => boolean, most: number): Promise<{ actors: Actor[]; isEnded: boolean }> {
		const found: Actor[] = [];
		const until = this.looked + most;
		while (found.length < wanted && this.looked < until) {
			await Promise.all(this.#sources.map((source) => this.#fill(source)));
			const newest = this.#newest();
			if (newest === undefined) return { actors: found, isEnded: true };
			this.looked += 1;
			if (fit(newest)) found.push(newest);
		}
		await Promise.all(this.#sources.map((source) => this.#fill(source)));
		return { actors: found, isEnded: this.#sources.every((source) => source.ahead.length === 0) };
	}

	async #fill(source: Source): Promise<void> {
		if (source.ahead.length > 0 || source.isEnded) return;
		const { actors, cursor } = await this.#read(source.name, source.cursor);
		source.ahead = actors;
		// The engine names a cursor as long as there are actors, even after the last.
		source.isEnded = actors.length === 0 || cursor === undefined;
		source.cursor = cursor;
	}

	#newest(): Actor | undefined {
		let from: Source | undefined;
		for (const source of this.#sources) {
			const head = source.ahead[0];
			if (head !== undefined && (from?.ahead[0] === undefined || head.create_ts > from.ahead[0].create_ts)) from = source;
		}
		return from?.ahead.shift();
	}
}
