// Dialogs: the browser keeps the focus inside and closes them with Esc.
import { cloneElement, type ComponentChildren, type VNode } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { Icon } from "./icon.tsx";
import { Trouble } from "./trouble.tsx";

interface DialogProps {
	title: string;
	/** What the button says that does it. */
	action: string;
	isDangerous?: boolean;
	/** Does it. The dialog closes when it is done, and stays with the error when it fails. */
	onSubmit: () => Promise<unknown>;
	onClose: () => void;
	children: ComponentChildren;
}

export function Dialog({ title, action, isDangerous = false, onSubmit, onClose, children }: DialogProps) {
	const dialog = useRef<HTMLDialogElement>(null);
	const [error, setError] = useState<Error>();
	const [isBusy, setBusy] = useState(false);
	const id = useId();

	useEffect(() => {
		const shown = dialog.current;
		shown?.showModal();
		firstOf(shown)?.focus();
		// Closing gives the focus back to where it came from.
		return () => shown?.close();
	}, []);

	const submit = async (event: Event) => {
		event.preventDefault();
		setBusy(true);
		setError(undefined);
		try {
			await onSubmit();
			onClose();
		} catch (error) {
			setError(error as Error);
			setBusy(false);
		}
	};

	return (
		<dialog ref={dialog} aria-labelledby={id} onClose={onClose} onCancel={onClose}>
			<form onSubmit={submit}>
				<header>
					<h2 id={id}>{title}</h2>
					<button type="button" class="bare" aria-label="Close" onClick={onClose}>
						<Icon name="close" />
					</button>
				</header>
				<div class="dialog-body">
					{children}
					{error !== undefined && <Trouble error={error} />}
				</div>
				<footer>
					<button type="button" onClick={onClose}>
						Cancel
					</button>
					<button type="submit" class={isDangerous ? "danger" : "primary"} disabled={isBusy}>
						{isBusy ? "Working…" : action}
					</button>
				</footer>
			</form>
		</dialog>
	);
}

/** Where somebody begins: the first field, or the way out where there is only a question. */
const firstOf = (dialog: HTMLDialogElement | null) =>
	dialog?.querySelector<HTMLElement>(".dialog-body :is(input, select, textarea)") ?? dialog?.querySelector<HTMLElement>("footer button");

/** A field with its label and, below it, what to put in. */
export function Field({ label, hint, children }: { label: string; hint?: ComponentChildren; children: VNode }) {
	const id = useId();
	const described = hint === undefined ? {} : { "aria-describedby": `${id}-hint` };
	return (
		<div class="field">
			<label for={id}>{label}</label>
			{cloneElement(children, { id, ...described })}
			{hint !== undefined && <small id={`${id}-hint`}>{hint}</small>}
		</div>
	);
}
