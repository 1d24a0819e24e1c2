// Data that is asked for, and asked for again.
import { useCallback, useEffect, useRef, useState } from "preact/hooks";

export interface Polled<T> {
	/** What was answered last; it stays while newer data is on its way or cannot be had. */
	data: T | undefined;
	error: Error | undefined;
	isLoading: boolean;
	reload: () => Promise<void>;
}

/**
 * Asks with `ask` whenever `what` changes, and every `interval` milliseconds as long as somebody looks.
 * An answer to an old question is dropped.
 */
export function usePoll<T>(what: readonly unknown[], ask: (signal: AbortSignal) => Promise<T>, interval?: number): Polled<T> {
	const [seen, setSeen] = useState<{ data?: T; error?: Error }>({});
	const [isLoading, setLoading] = useState(true);
	const latest = useRef(ask);
	latest.current = ask;
	const current = useRef<AbortController>();
	const question = JSON.stringify(what);

	const reload = useCallback(async () => {
		current.current?.abort();
		const asked = new AbortController();
		current.current = asked;
		setLoading(true);
		try {
			const data = await latest.current(asked.signal);
			if (!asked.signal.aborted) setSeen({ data });
		} catch (error) {
			if (!asked.signal.aborted) setSeen(({ data }) => ({ ...(data === undefined ? {} : { data }), error: error as Error }));
		} finally {
			if (!asked.signal.aborted) setLoading(false);
		}
	}, []);

	useEffect(() => {
		setSeen({});
		void reload();
		return () => current.current?.abort();
	}, [question]);

	useEffect(() => {
		if (interval === undefined) return;
		const timer = setInterval(() => {
			if (!document.hidden) void reload();
		}, interval);
		return () => clearInterval(timer);
	}, [question, interval]);

	return { data: seen.data, error: seen.error, isLoading, reload };
}
