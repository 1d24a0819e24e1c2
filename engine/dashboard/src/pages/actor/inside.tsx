// The frame of a part that asks the actor: read once, again by hand, or live.
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { Icon } from "../../parts/icon.tsx";
import { type Polled, usePoll } from "../../parts/poll.ts";
import { Loading, Trouble } from "../../parts/trouble.tsx";

const LIVE_MS = 2000;

interface Props<T> {
	title: string;
	/** Which data it is, when there is more than one. */
	what: readonly unknown[];
	read: (signal: AbortSignal) => Promise<T>;
	/** What never changes while an actor runs is not read again. */
	isFixed?: boolean;
	/** More buttons. */
	tools?: ComponentChildren;
	children: (data: T, polled: Polled<T>) => ComponentChildren;
}

/** Asking keeps an actor awake, so that nothing is asked again unless somebody wants it. */
export function Inside<T>({ title, what, read, isFixed = false, tools, children }: Props<T>) {
	const [isLive, setLive] = useState(false);
	const polled = usePoll(what, read, isLive ? LIVE_MS : undefined);
	const { data, error, isLoading, reload } = polled;
	return (
		<section class="panel" aria-label={title}>
			<div class="panel-head">
				<h2>{title}</h2>
				<div class="actions">
					{tools}
					{!isFixed && (
						<>
							<label class="check" title="Asks every two seconds, which keeps the actor awake">
								<input type="checkbox" checked={isLive} onChange={(event) => setLive(event.currentTarget.checked)} />
								Live
							</label>
							<button type="button" class="bare" aria-label="Read again" title="Read again" disabled={isLoading && !isLive} onClick={reload}>
								<Icon name="refresh" />
							</button>
						</>
					)}
				</div>
			</div>
			{error !== undefined && <Trouble error={error} onRetry={reload} />}
			{data === undefined ? error === undefined && <Loading /> : children(data, polled)}
		</section>
	);
}
