// What every page may use without being handed it.
import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { Engine } from "./engine/api.ts";

export interface Shared {
	engine: Engine;
	/** Tells, in the corner and to those who cannot see it, that something was done. */
	tell: (words: string) => void;
}

const Context = createContext<Shared | undefined>(undefined);
export const SharedProvider = Context.Provider;

export function useShared(): Shared {
	const shared = useContext(Context);
	if (shared === undefined) throw new Error("nobody is signed in");
	return shared;
}
