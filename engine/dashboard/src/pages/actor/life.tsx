// The life of an actor: its steps, where it runs, and why it does not.
import { milestones, reasonOf } from "../../actor/life.ts";
import { CopyId, Fact, Facts, Tag, Time } from "../../parts/small.tsx";
import { href } from "../../route.ts";
import { exact } from "../../words.ts";
import type { OfActor } from "./tabs.ts";

export function LifeTab({ namespace, actor, placement }: OfActor) {
	const reason = reasonOf(actor.error);
	return (
		<div class="columns">
			<section class="panel" aria-label="Where it runs">
				<h2>Where it runs</h2>
				<Facts>
					<Fact label="Pool">
						<a href={href(namespace, "pools")}>
							<Tag>{actor.runner_name_selector}</Tag>
						</a>
					</Fact>
					<Fact label="Envoy">
						{placement.envoy_key === null ? <span class="muted">none</span> : <CopyId id={placement.envoy_key} what="the key of the envoy" />}
					</Fact>
					<Fact label="Generation">{placement.generation}</Fact>
					<Fact label="Datacenter">{actor.datacenter}</Fact>
					<Fact label="Next alarm">{placement.alarm_ts === null ? <span class="muted">none</span> : <Time ts={placement.alarm_ts} />}</Fact>
					{placement.failed_attempts > 0 && <Fact label="Failed attempts">{placement.failed_attempts}</Fact>}
				</Facts>
			</section>
			<section class="panel" aria-label="Its life so far">
				<h2>Its life so far</h2>
				{reason !== undefined && <p class="notice notice-bad">{reason}</p>}
				<ol class="milestones">
					{milestones(actor).map(({ label, ts }) => (
						<li key={label}>
							<span>{label}</span>
							<Time ts={ts} />
							<small class="muted">{exact(ts)}</small>
						</li>
					))}
				</ol>
			</section>
		</div>
	);
}
