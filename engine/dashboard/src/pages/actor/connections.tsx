// Who is connected to an actor.
import { CopyId, Tag } from "../../parts/small.tsx";
import { Tree } from "../../parts/tree.tsx";
import { Empty } from "../../parts/trouble.tsx";
import { Inside } from "./inside.tsx";
import type { InsideActor } from "./tabs.ts";

export const ConnectionsTab = ({ inspector }: InsideActor) => (
	<Inside title="Connections" what={["connections"]} read={inspector.summary}>
		{({ connections }) =>
			connections.length === 0 ? (
				<Empty title="Nobody is connected" />
			) : (
				<ul class="cards">
					{connections.map(({ id, details }, index) => (
						<li key={id ?? index}>
							<p>
								{id === null ? "A connection" : <CopyId id={id} what="the id of the connection" />}{" "}
								{details.isHibernatable === true && <Tag>outlives sleep</Tag>}
							</p>
							<Tree value={{ params: details.params ?? null, state: details.state ?? null }} />
						</li>
					))}
				</ul>
			)
		}
	</Inside>
);
