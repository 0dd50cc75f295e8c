package main

import (
	"os"
	"path/filepath"
)

// stateDir is where this user's programs keep their state (XDG base
// directories), "" where this user has no folder of its own: not another one,
// such as the one for temporary files, in which anybody may have put something.
func stateDir(parts ...string) string { return userDir("XDG_STATE_HOME", ".local/state", parts) }

// configDir is where this user's programs keep their settings, or "".
func configDir(parts ...string) string { return userDir("XDG_CONFIG_HOME", ".config", parts) }

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

// errHomeless says that there is no folder of this user's own for what a flag
// names, "" for settings.
func errHomeless(flag string) error {
	if flag == "" {
		return usage("neither HOME nor XDG_CONFIG_HOME is set: there is no folder of this user's own for settings: set one of them")
	}
	return usage("%s: neither HOME nor XDG_STATE_HOME is set: there is no folder of this user's own: give %s FOLDER, or set one of them", flag, flag)
}

// shownDir is a default for help, of which there may be none.
func shownDir(dir string) string {
	if dir == "" {
		return "none, as HOME is not set"
	}
	return dir
}
