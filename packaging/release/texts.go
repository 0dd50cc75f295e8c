package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// texts are the files that go along with the program, by their paths in the repository;
// manual pages and completions, which the program writes itself, are man/… and
// completions/….
type texts map[string][]byte

// texts builds the program for this machine and collects them.
func (r *release) texts(work string) (texts, error) {
	out := texts{}
	for _, pattern := range []string{"README.md", "CHANGELOG.md", "packaging/*.yaml", "packaging/*.txt", "packaging/systemd/*", "packaging/debian/*"} {
		paths, err := filepath.Glob(pattern)
		if err != nil || len(paths) == 0 {
			return nil, fmt.Errorf("no %s here: run it in the top folder of the repository", pattern)
		}
		for _, path := range paths {
			if out[filepath.ToSlash(path)], err = os.ReadFile(path); err != nil {
				return nil, err
			}
		}
	}
	netmon, err := build(work, target{runtime.GOOS, runtime.GOARCH}, r.version, r.commit)
	if err != nil {
		return nil, err
	}
	pages := filepath.Join(work, "man")
	if _, err := r.ask(netmon, "docs", "--man", pages); err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(pages)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if out["man/man1/"+e.Name()], err = os.ReadFile(filepath.Join(pages, e.Name())); err != nil {
			return nil, err
		}
	}
	for shell, name := range map[string]string{"bash": "netmon.bash", "zsh": "_netmon", "fish": "netmon.fish"} {
		if out["completions/"+name], err = r.ask(netmon, "completion", shell); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// ask runs the program as somebody whose folders are ~.
func (r *release) ask(netmon string, args ...string) ([]byte, error) {
	cmd := exec.Command(netmon, args...)
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "XDG_") && !strings.HasPrefix(v, "NETMON_") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	cmd.Env = append(cmd.Env, "HOME=~", fmt.Sprint("SOURCE_DATE_EPOCH=", r.commit.at.Unix()))
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("netmon %s: %w", strings.Join(args, " "), err)
	}
	return out, nil
}

// below are the files whose paths begin with a folder, by what follows it.
func (t texts) below(folder string) map[string][]byte {
	out := map[string][]byte{}
	for path, data := range t {
		if name, ok := strings.CutPrefix(path, folder+"/"); ok {
			out[name] = data
		}
	}
	return out
}
