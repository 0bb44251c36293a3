import { Button, Menu } from "@mantine/core";
import { IconCheck, IconChevronDown, IconX } from "@tabler/icons-react";
import { t } from "~/text/text";
import classes from "./Filters.module.css";

export type Filter = { name: string; label: string; options: { value: string; label: string }[] };

type Props = {
	filters: Filter[];
	chosen: Record<string, string>;
	onChange: (change: Record<string, string | undefined>) => void;
};

/** The filters of a list: each a button that says what it lets through. */
export function FilterChips({ filters, chosen, onChange }: Props) {
	return filters.map((filter) => {
		const value = chosen[filter.name];
		const current = filter.options.find((option) => option.value === value);
		return (
			<span key={filter.name} className={classes.chip}>
				<Menu position="bottom-start" withinPortal>
					<Menu.Target>
						<Button variant="default" size="sm" className={value ? classes.on : ""} rightSection={<IconChevronDown size={14} />}>
							{current ? t("list.filterIs", { filter: filter.label, value: current.label }) : filter.label}
						</Button>
					</Menu.Target>
					<Menu.Dropdown mah={320} style={{ overflowY: "auto" }}>
						{filter.options.map((option) => (
							<Menu.Item
								key={option.value}
								rightSection={option.value === value ? <IconCheck size={14} /> : undefined}
								onClick={() => onChange({ [filter.name]: option.value === value ? undefined : option.value })}
							>
								{option.label}
							</Menu.Item>
						))}
					</Menu.Dropdown>
				</Menu>
				{value && (
					<Button
						variant="default"
						size="sm"
						px={8}
						className={classes.clear}
						aria-label={t("list.clearFilter", { filter: filter.label })}
						onClick={() => onChange({ [filter.name]: undefined })}
					>
						<IconX size={14} />
					</Button>
				)}
			</span>
		);
	});
}
