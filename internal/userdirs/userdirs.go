// Package userdirs names the folders that belong to whoever runs this program (XDG
// base directories), and to nobody else.
package userdirs

import (
	"os"
	"path/filepath"

	"netmon/internal/exit"
)

// State is where this user's programs keep their state (XDG base
// directories), "" where this user has no folder of its own: not another one,
// such as the one for temporary files, in which anybody may have put something.
func State(parts ...string) string { return userDir("XDG_STATE_HOME", ".local/state", parts) }

// Config is where this user's programs keep their settings, or "".
func Config(parts ...string) string { return userDir("XDG_CONFIG_HOME", ".config", parts) }

func userDir(env, inHome string, parts []string) string {
	base := os.Getenv(env)
	if base == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return ""
		}
		base = filepath.Join(home, inHome)
	}
	return filepath.Join(append([]string{base, "netmon"}, parts...)...)
}

// Homeless says that there is no folder of this user's own for what a flag
// names, "" for settings.
func Homeless(flag string) error {
	if flag == "" {
		return exit.Usage("neither HOME nor XDG_CONFIG_HOME is set: there is no folder of this user's own for settings: set one of them")
	}
	return exit.Usage("%s: neither HOME nor XDG_STATE_HOME is set: there is no folder of this user's own: give %s FOLDER, or set one of them", flag, flag)
}

// Shown is a default for help, of which there may be none.
func Shown(dir string) string {
	if dir == "" {
		return "none, as HOME is not set"
	}
	return dir
}
