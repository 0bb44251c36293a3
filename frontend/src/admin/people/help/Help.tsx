import type { User } from "~/api/schema.gen";
import classes from "../Users.module.css";
import { Everywhere } from "./Everywhere";
import { Factors } from "./Factors";
import { Locked } from "./Locked";
import { Password } from "./Password";

/** What an administrator does for a person who can't get in. */
export function Help({ user }: { user: User }) {
	return (
		<div className={classes.columns}>
			<div>
				<Password user={user} />
				<Locked user={user} />
			</div>
			<div>
				<Factors user={user} />
				<Everywhere user={user} />
			</div>
		</div>
	);
}
