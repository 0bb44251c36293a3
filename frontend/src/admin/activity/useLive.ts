import { useEffect, useRef, useState } from "react";
import { API } from "~/api/client";
import type { Event } from "~/api/schema.gen";

/** New events as the server writes them. */
export function useLive(onEvent: (event: Event) => void, enabled = true): boolean {
	const [open, setOpen] = useState(false);
	const act = useRef(onEvent);
	act.current = onEvent;
	useEffect(() => {
		if (!enabled) return;
		const source = new EventSource(`${API}/gatehouse/events/stream/`);
		source.onopen = () => setOpen(true);
		source.onerror = () => setOpen(false);
		source.onmessage = (message) => {
			try {
				act.current(JSON.parse(message.data) as Event);
			} catch {
				// A line that is no event, such as a sign of life, is nothing to show.
			}
		};
		return () => {
			source.close();
			setOpen(false);
		};
	}, [enabled]);
	return open;
}
