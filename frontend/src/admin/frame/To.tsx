import { createHashHistory } from "@tanstack/react-router";
import { type AnchorHTMLAttributes, type MouseEvent, type Ref, useCallback } from "react";
import { isKept } from "~/lib/kept";

/** The one history of the page: links, the router and the guard of unsaved changes share it. */
export const history = createHashHistory();

/** Goes to an address of ours, as /people/users/7?tab=groups. Unsaved changes are asked for, unless they were kept just now. */
export function go(to: string): void {
	history.push(to, undefined, { ignoreBlocker: isKept() });
}

type Props = AnchorHTMLAttributes<HTMLAnchorElement> & { to: string; ref?: Ref<HTMLAnchorElement> };

/** A link to an address of ours. */
export function To({ to, onClick, ...rest }: Props) {
	const follow = useCallback(
		(event: MouseEvent<HTMLAnchorElement>) => {
			onClick?.(event);
			const plain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
			if (!plain || event.defaultPrevented) return;
			event.preventDefault();
			go(to);
		},
		[to, onClick],
	);
	return <a href={`#${to}`} onClick={follow} {...rest} />;
}
