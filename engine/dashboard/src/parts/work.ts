// Something that a button does.
import { useState } from "preact/hooks";

/** Does something, shows meanwhile that it is being done, and afterwards what went wrong. */
export function useWork() {
	const [isBusy, setBusy] = useState(false);
	const [error, setError] = useState<Error>();
	const work = async (act: () => Promise<unknown>) => {
		setBusy(true);
		setError(undefined);
		try {
			await act();
		} catch (error) {
			setError(error as Error);
		} finally {
			setBusy(false);
		}
	};
	return { isBusy, error, work };
}
