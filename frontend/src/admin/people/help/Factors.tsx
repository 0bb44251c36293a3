import { Button, Skeleton } from "@mantine/core";
import { remove, useChange, useGet } from "~/api/query";
import type { Device, User } from "~/api/schema.gen";
import { t, tOr } from "~/text/text";
import { confirm } from "~/ui/confirm";
import { Problem } from "~/ui/Empty";
import { personName } from "~/ui/names";
import { told } from "~/ui/notices";
import { Section } from "../../frame/Page";
import { addressOf, kindOf } from "./devices";
import classes from "./Help.module.css";

/** What a person signs in with besides the password; what is lost is removed. */
export function Factors({ user }: { user: User }) {
	const { data, error, refetch } = useGet<Device[]>("/authenticators/admin/all/", { query: { user: user.pk } });
	const person = personName(user);
	const drop = useChange(
		async (devices: Device[]) => {
			for (const device of devices) {
				const address = addressOf(device);
				if (address) await remove(address);
			}
		},
		(_done, devices) =>
			told(
				devices.length === 1
					? t("helping.factors.removed", { name: devices[0]?.name ?? "" })
					: t("helping.factors.removedAll", { count: devices.length }),
			),
	);
	const ask = (devices: Device[], title: string) =>
		confirm({
			title,
			body: <p>{t("helping.factors.removeText", { person })}</p>,
			yes: t("helping.factors.remove"),
			danger: true,
			act: () => drop.mutateAsync(devices),
		});
	const removable = (data ?? []).filter(addressOf);
	return (
		<Section
			title={t("helping.factors.title")}
			text={t("helping.factors.text")}
			actions={
				removable.length > 1 && (
					<Button
						variant="default"
						c="var(--gh-danger)"
						onClick={() => ask(removable, t("helping.factors.removeAllTitle", { count: removable.length, person }))}
					>
						{t("helping.factors.removeAll")}
					</Button>
				)
			}
		>
			{error && !data && <Problem error={error} again={refetch} />}
			{!error && !data && <Skeleton height={80} />}
			{data?.length === 0 && <p className={classes.plain}>{t("helping.factors.none")}</p>}
			{data && data.length > 0 && (
				<ul className={classes.list}>
					{data.map((device) => (
						<li key={`${device.meta_model_name} ${device.pk}`} className={classes.row}>
							<span className={classes.words}>
								<strong>{device.name}</strong>
								<span className={classes.small}>
									{[tOr(device.verbose_name, `helping.kind.${kindOf(device)}`), !device.confirmed && t("helping.factors.unfinished")]
										.filter(Boolean)
										.join(" · ")}
								</span>
							</span>
							{addressOf(device) && (
								<Button
									variant="default"
									aria-label={t("helping.factors.removeOf", { name: device.name })}
									onClick={() => ask([device], t("helping.factors.removeTitle", { name: device.name, person }))}
								>
									{t("helping.factors.remove")}
								</Button>
							)}
						</li>
					))}
				</ul>
			)}
		</Section>
	);
}
