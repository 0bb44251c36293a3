import { SegmentedControl, useMantineColorScheme } from "@mantine/core";
import { IconDeviceDesktop, IconMoon, IconSun } from "@tabler/icons-react";
import { t } from "~/text/text";

const icons = { light: IconSun, dark: IconMoon, auto: IconDeviceDesktop };
const names = ["light", "dark", "auto"] as const;

export function SchemeSwitch() {
	const { colorScheme, setColorScheme } = useMantineColorScheme();
	return (
		<SegmentedControl
			aria-label={t("common.scheme.label")}
			value={colorScheme}
			onChange={(value) => setColorScheme(value as (typeof names)[number])}
			withItemsBorders={false}
			data={names.map((value) => {
				const Icon = icons[value];
				return {
					value,
					label: (
						<span title={t(`common.scheme.${value}`)} style={{ display: "grid", placeItems: "center", minHeight: 20 }}>
							<Icon size={16} aria-hidden="true" />
							<span className="gh-visually-hidden">{t(`common.scheme.${value}`)}</span>
						</span>
					),
				};
			})}
		/>
	);
}
