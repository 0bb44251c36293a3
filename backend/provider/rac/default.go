package rac

// Default is a mapping that exists from the first start.
type Default struct {
	Managed, Name string
	Settings      map[string]any
}

// Defaults are the mappings that exist from the first start (protocols.md 7.3).
func Defaults() []Default {
	const managed, name = "goauthentik.io/providers/rac/", "authentik default RAC Mapping: "
	return []Default{
		{managed + "rdp-default", name + "RDP Default settings", map[string]any{"resize-method": "display-update", "enable-wallpaper": "true", "enable-font-smoothing": "true"}},
		{managed + "rdp-high-fidelity", name + "RDP High Fidelity", map[string]any{
			"enable-theming": "true", "enable-full-window-drag": "true", "enable-desktop-composition": "true", "enable-menu-animations": "true", "enable-wallpaper": "true", "enable-font-smoothing": "true",
		}},
		{managed + "ssh-default", name + "SSH Default settings", map[string]any{"terminal-type": "xterm-256color"}},
	}
}
