import type { UserSetting, UserSourceConnection } from "~/api/schema.gen";

export type Pair = { slug: string; name: string; icon?: string | null; offer?: UserSetting; connection?: UserSourceConnection };

/** Sources beside my connections to them. A connection stays in sight when its source is no longer offered, so that it can be removed. */
export function matched(offers: readonly UserSetting[], connections: readonly UserSourceConnection[]): Pair[] {
	const joined = connections.map((connection): Pair => {
		const { slug, name, icon } = connection.source;
		return { slug, name, icon, offer: offers.find((offer) => offer.object_uid === slug), connection };
	});
	const free = offers.filter((offer) => !joined.some(({ slug }) => slug === offer.object_uid));
	return [...joined, ...free.map((offer): Pair => ({ slug: offer.object_uid, name: offer.title, icon: offer.icon_url, offer }))].sort(
		(a, b) => a.name.localeCompare(b.name),
	);
}
