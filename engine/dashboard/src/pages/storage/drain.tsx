// A planned stop: whether the engine starts actors, and how far it is when it does not.
import { useState } from "preact/hooks";
import { useShared } from "../../context.ts";
import { drain, drainProgress, type Progress, serveAgain } from "../../engine/drain.ts";
import { Dialog } from "../../parts/dialog.tsx";
import { usePoll } from "../../parts/poll.ts";
import { Fact, Facts, Time } from "../../parts/small.tsx";
import { Loading, Trouble, Unread } from "../../parts/trouble.tsx";
import { useWork } from "../../parts/work.ts";

const INTERVAL = 2000;

/** What each state is about, and the colour that it has. */
const STATES: Record<Progress["state"], { words: string; look: string }> = {
	serving: { words: "Actors start when somebody needs them.", look: "running" },
	draining: { words: "No actor starts any more. Those that run are asked to sleep, a few at a time.", look: "waiting" },
	drained: { words: "No actor runs and nothing is in flight: the engine can be stopped.", look: "sleeping" },
};

export function Drain({ withheld }: { withheld: string }) {
	const { engine } = useShared();
	const { data, error, reload } = usePoll(["drain"], (signal) => drainProgress(engine, signal), INTERVAL);
	return (
		<section class="panel" aria-labelledby="drain">
			{error !== undefined && <Unread error={error} words={withheld} onRetry={reload} />}
			{data === undefined ? error === undefined && <Loading rows={2} /> : <About progress={data} reload={reload} />}
		</section>
	);
}

function About({ progress, reload }: { progress: Progress; reload: () => Promise<void> }) {
	const { engine, tell } = useShared();
	const { isBusy, error, work } = useWork();
	const [isAsked, setAsked] = useState(false);
	const { words, look } = STATES[progress.state];
	const isServing = progress.state === "serving";
	const begin = async () => {
		await drain(engine);
		await reload();
		tell("The engine drains: no actor starts any more.");
	};
	const end = () =>
		work(async () => {
			await serveAgain(engine);
			await reload();
			tell("The engine serves again.");
		});
	return (
		<>
			<div class="panel-head">
				<div>
					<h2 id="drain">Planned stop</h2>
					<p class="muted" role="status">
						<span class={`state state-${look}`}>{progress.state}</span> {words}
					</p>
				</div>
				<div class="actions">
					{isServing ? (
						<button type="button" onClick={() => setAsked(true)}>
							Drain
						</button>
					) : (
						<button type="button" class="primary" disabled={isBusy} onClick={end}>
							{isBusy ? "Working…" : "Serve again"}
						</button>
					)}
				</div>
			</div>
			{error !== undefined && <Trouble error={error} />}
			{!isServing && (
				<Facts>
					<Fact label="Since">{progress.since_ts !== null && <Time ts={progress.since_ts} />}</Fact>
					<Fact label="Actors that run">{progress.actors_running.toLocaleString("en")}</Fact>
					<Fact label="Requests in flight">{progress.requests_in_flight.toLocaleString("en")}</Fact>
					<Fact label="Open sockets">{progress.sockets_open.toLocaleString("en")}</Fact>
					<Fact label="Connected envoys">{progress.envoys.toLocaleString("en")}</Fact>
				</Facts>
			)}
			{isAsked && (
				<Dialog title="Drain the engine?" action="Drain" onSubmit={begin} onClose={() => setAsked(false)}>
					<p>
						All actors of all namespaces are put to sleep, and none starts until the engine serves again or is started anew. Requests that need one are
						refused with 503 meanwhile. Nothing is lost: alarms that come are kept, and sockets of actors that can hibernate stay open.
					</p>
				</Dialog>
			)}
		</>
	);
}
