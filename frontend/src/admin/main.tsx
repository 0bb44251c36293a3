import "@mantine/core/styles.layer.css";
import "@mantine/notifications/styles.layer.css";
import "~/ui/base.css";
import { MantineProvider } from "@mantine/core";
import { Notifications } from "@mantine/notifications";
import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import english from "@text/admin.json";
import shared from "@text/portal.json";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { queryClient } from "~/api/query";
import { boot } from "~/lib/boot";
import { setEnglish } from "~/text/text";
import { Confirm } from "~/ui/confirm";
import { complain } from "~/ui/notices";
import { schemes } from "~/ui/scheme";
import { makeTheme, variables } from "~/ui/theme";
import { Closed } from "./frame/Closed";
import { router } from "./router";

setEnglish(shared, english);

const root = createRoot(document.getElementById("app") as HTMLElement);
const theme = makeTheme("admin");

function show(content: React.ReactNode) {
	root.render(
		<StrictMode>
			<MantineProvider theme={theme} cssVariablesResolver={variables} defaultColorScheme="auto" colorSchemeManager={schemes}>
				<QueryClientProvider client={queryClient}>
					<Notifications position="bottom-right" containerWidth={360} />
					<Confirm onProblem={complain} />
					{content}
				</QueryClientProvider>
			</MantineProvider>
		</StrictMode>,
	);
}

const start = await boot(["portal", "admin", "flows", "people"], () => show(<Closed reason="window" />));
if (start.me?.user.is_superuser) show(<RouterProvider router={router} />);
else if (start.me) show(<Closed reason="rights" />);
else if (start.problem === "closed") show(<Closed reason="window" />);
else if (start.problem === "unreachable") show(<Closed reason="unreachable" />);
