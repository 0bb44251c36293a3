// What was typed is kept as soon as the server says so: a page that is left from then on need not be asked for, even when it has not been
// drawn again since.

let keeping = false;

/** Runs what follows a change that the server took. */
export function afterKeeping(then: () => void): void {
	keeping = true;
	try {
		then();
	} finally {
		keeping = false;
	}
}

/** Whether somebody is led on since their changes were kept. */
export const isKept = (): boolean => keeping;
