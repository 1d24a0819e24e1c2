// The parts of an actor's page. Some are the engine's to tell; those inside are the actor's.
import type { ComponentType } from "preact";
import type { Actor, Placement } from "../../engine/api.ts";
import type { Inspector } from "../../engine/inspector.ts";
import { ActionsTab } from "./actions.tsx";
import { ConnectionsTab } from "./connections.tsx";
import { EntriesTab } from "./entries.tsx";
import { LifeTab } from "./life.tsx";
import { QueueTab } from "./queue.tsx";
import { SqlTab } from "./sql.tsx";
import { StateTab } from "./state.tsx";
import { WorkflowTab } from "./workflow.tsx";

/** What a part is given that is there whether the actor is awake or not. */
export interface OfActor {
	namespace: string;
	actor: Actor;
	placement: Placement;
}

/** What a part is given that asks the actor itself. */
export interface InsideActor {
	inspector: Inspector;
}

type Tab = { path: string; title: string } & ({ View: ComponentType<OfActor> } | { Inside: ComponentType<InsideActor> });

export const TABS: readonly Tab[] = [
	{ path: "overview", title: "Life", View: LifeTab },
	{ path: "state", title: "State", Inside: StateTab },
	{ path: "sql", title: "SQLite", Inside: SqlTab },
	{ path: "actions", title: "Actions", Inside: ActionsTab },
	{ path: "queue", title: "Queue", Inside: QueueTab },
	{ path: "workflow", title: "Workflow", Inside: WorkflowTab },
	{ path: "connections", title: "Connections", Inside: ConnectionsTab },
	{ path: "entries", title: "Entries", View: EntriesTab },
];

export const findTab = (path: string) => TABS.find((tab) => tab.path === path);
