import { useGet } from "~/api/query";
import type { CurrentBrand, SessionUser, UserSelf } from "~/api/schema.gen";
import { BRAND, ME } from "~/lib/boot";

/** Who is working here; read when the page started. */
export function useMe(): { me: UserSelf | undefined; original: UserSelf | undefined } {
	const { data } = useGet<SessionUser>(ME);
	return { me: data?.user, original: data?.original };
}

export const useBrand = () => useGet<CurrentBrand>(BRAND).data;
