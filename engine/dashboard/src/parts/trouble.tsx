// What is shown where there is no data: errors with what to do, emptiness, and the wait.
import type { ComponentChildren } from "preact";
import { Refused, Unreachable } from "../engine/http.ts";
import { Icon } from "./icon.tsx";

/** What somebody can do about an error. */
function advice(error: Error): string | undefined {
	if (error instanceof Unreachable) return "Check that the engine runs and that this host can reach it. The page goes on by itself.";
	if (!(error instanceof Refused)) return undefined;
	if (error.isTokenRefused || error.isNotPermitted) return "Sign in with a token that may do this.";
	if (error.status === 500 && error.code === "core.internal_error" && error.rayId !== undefined) {
		return "The log says what happened, under the ray id.";
	}
	return ADVICE[error.code];
}

const ADVICE: Record<string, string> = {
	"core.draining": "The engine was asked to drain before a planned stop. It starts actors again when somebody chooses that under Storage and backup.",
	"namespace.not_found": "Choose another namespace, or create this one.",
	"actor.not_found": "It may have been destroyed, or belong to another namespace.",
	"actor.kv_key_not_found": "The app has not started this actor yet, or serves no inspector. Wake the actor and try again.",
	"actor.no_runner_config_configured": "Create the pool, or start an app that registers it.",
	"guard.actor_ready_timeout": "No envoy of the actor's pool took it. Check that the app runs and is connected.",
	"guard.actor_runner_failed": "The app could not start the actor. Its log says why.",
	"inspector.unauthorized": "The app refused the inspector's token. Wake the actor and try again.",
	"serverless_runner_pool.failed_to_fetch_metadata": "Check the URL of the pool and that the app answers there.",
};

/** An error with its code, its words and what to do. */
export function Trouble({ error, onRetry }: { error: Error; onRetry?: (() => void) | undefined }) {
	const cause = causeOf(error);
	const remedy = cause === undefined ? advice(error) : undefined;
	return (
		<div class="trouble" role="alert">
			<Icon name="warning" />
			<div>
				<p class="trouble-words">{cause ?? error.message}</p>
				{remedy !== undefined && <p>{remedy}</p>}
				{error instanceof Refused && (
					<p class="muted">
						<code>{error.code}</code>
						{error.rayId !== undefined && (
							<>
								{" · ray id "}
								<code>{error.rayId}</code>
							</>
						)}
					</p>
				)}
			</div>
			{onRetry !== undefined && (
				<button type="button" onClick={onRetry}>
					Try again
				</button>
			)}
		</div>
	);
}

/** An error in reading a part of a page. What the token may not read is told in `words`, and is no trouble. */
export function Unread({ error, words, onRetry }: { error: Error; words: string; onRetry: () => void }) {
	if (error instanceof Refused && error.isNotPermitted) return <p class="notice">{words}</p>;
	return <Trouble error={error} onRetry={onRetry} />;
}

/** The innermost cause that rivetkit tells beside a message which says nothing. */
function causeOf(error: Error): string | undefined {
	const metadata = error instanceof Refused ? error.metadata : undefined;
	if (typeof metadata !== "object" || metadata === null || !("error" in metadata)) return undefined;
	const [causes = ""] = String(metadata.error).split(/\n\s*Stack backtrace/);
	return causes.trim().split("\n").at(-1)?.trim();
}

export const Empty = ({ title, children }: { title: string; children?: ComponentChildren }) => (
	<div class="empty">
		<p class="empty-title">{title}</p>
		{children}
	</div>
);

/** Room for what is on its way, so that nothing jumps when it comes. */
export const Loading = ({ rows = 4 }: { rows?: number }) => (
	<div class="loading" role="status">
		<span class="off-screen">Loading</span>
		{Array.from({ length: rows }, (_, row) => (
			<span key={row} class="loading-row" />
		))}
	</div>
);
