package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"netmon/internal/freeport"
)

// configMap is a folder as Kubernetes mounts one: what people see are links into ..data,
// itself a link, which another version replaces all at once.
type configMap struct {
	t        *testing.T
	dir      string
	versions int
}

func (m *configMap) set(files map[string]string) {
	m.t.Helper()
	m.versions++
	version := fmt.Sprintf("..2026_12_01_%02d", m.versions)
	data, next := filepath.Join(m.dir, "..data"), filepath.Join(m.dir, "..data_tmp")
	before, _ := os.Readlink(data)
	err := os.MkdirAll(filepath.Join(m.dir, version), 0o755)
	for name, text := range files {
		err = errors.Join(err, os.WriteFile(filepath.Join(m.dir, version, name), []byte(text), 0o644))
	}
	err = errors.Join(err, os.Symlink(version, next), os.Rename(next, data))
	for name := range files {
		if e := os.Symlink(filepath.Join("..data", name), filepath.Join(m.dir, name)); !errors.Is(e, fs.ErrExist) {
			err = errors.Join(err, e)
		}
	}
	entries, e := os.ReadDir(m.dir)
	for _, f := range entries {
		if _, wanted := files[f.Name()]; !wanted && !strings.HasPrefix(f.Name(), "..") {
			e = errors.Join(e, os.Remove(filepath.Join(m.dir, f.Name())))
		}
	}
	if before != "" {
		e = errors.Join(e, os.RemoveAll(filepath.Join(m.dir, before)))
	}
	if err = errors.Join(err, e); err != nil {
		m.t.Fatal(err)
	}
}

func tcpMonitors(names ...string) string {
	text := "defaults: {every: 10s}\nmonitors:\n"
	for _, name := range names {
		text += fmt.Sprintf("- {name: %s, kind: tcp, target: \"127.0.0.1:1\"}\n", name)
	}
	return text
}

// TestFiles_LeaderKilled: of two controllers with a ConfigMap of monitors the leader alone
// saves what it wants. After kill -9, also in the middle of that, the other one continues:
// nothing is missing, and nothing is saved twice.
func TestFiles_LeaderKilled(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	addr := freeport.Addr(t)
	url := "nats://" + addr
	spawn(t, "broker", "--no-controller", "--listen", addr, "--store", filepath.Join(dir, "broker")).line("broker ready")
	mount := &configMap{t: t, dir: filepath.Join(dir, "monitors")}
	mount.set(map[string]string{"web.yaml": tcpMonitors("web"), "blog.yaml": tcpMonitors("blog")})
	controller := func(name string) *proc {
		return spawn(t, "controller", "--broker", url, "--state", filepath.Join(dir, name), "--monitors", mount.dir, "--monitors-prune", "--no-notifier")
	}
	a := controller("a")
	a.line("files: all is saved as they have it", "2 monitors")
	b := controller("b")
	b.line("another controller leads")
	netmonDo(t, 0, "add", "--broker", url, "tcp", "127.0.0.1:2", "--name", "mine")
	agent := spawn(t, "agent", "--broker", url, "--id", "here", "--state", filepath.Join(dir, "agent"))
	agent.line("connected")

	n := a.count()
	mount.set(map[string]string{"web.yaml": strings.Replace(tcpMonitors("web"), "10s", "20s", 1), "news.yaml": tcpMonitors("news")})
	a.lineAfter(n, "files: all is saved as they have it")
	wantSaved(t, url, "mine 1, news 1, web 2")

	a.kill()
	mount.set(map[string]string{"web.yaml": strings.Replace(tcpMonitors("web"), "10s", "30s", 1), "more.yaml": tcpMonitors("more")})
	b.line("this controller leads")
	b.line("files: all is saved as they have it")
	wantSaved(t, url, "mine 1, more 1, web 3")

	const many = 1000
	var names []string
	for i := range many {
		names = append(names, fmt.Sprintf("m%04d", i))
	}
	n = b.count()
	mount.set(map[string]string{"web.yaml": strings.Replace(tcpMonitors("web"), "10s", "30s", 1), "many.yaml": tcpMonitors(names...)})
	b.lineAfter(n, "files: m0100 added")
	b.kill()
	if n := len(saved(t, url)); n >= many {
		t.Errorf("it had saved %d monitors when it was killed: want it in the middle", n)
	}
	c := controller("c")
	c.line("files: all is saved as they have it", fmt.Sprintf("%d monitors", many+1))
	list := saved(t, url)
	if len(list) != many+2 {
		t.Errorf("%d monitors are saved, want %d", len(list), many+2)
	}
	for name, edition := range list {
		if want := map[string]uint64{"web": 3}[name]; edition != max(want, 1) {
			t.Errorf("%s has revision %d", name, edition)
		}
	}
	for _, line := range b.all()[:n] {
		if strings.Contains(line, "files:") && strings.Contains(line, "blog") {
			t.Errorf("who did not lead said %s", line)
		}
	}
}

// saved are the saved monitors, each with how often it was saved.
func saved(t *testing.T, url string) map[string]uint64 {
	t.Helper()
	var list struct {
		Items []struct {
			Name    string `json:"name"`
			Edition uint64 `json:"edition"`
		} `json:"items"`
	}
	out := netmonDo(t, 0, "get", "monitors", "--broker", url, "-o", "json")
	if err := json.Unmarshal([]byte(out), &list); err != nil {
		t.Fatalf("%v\n%.300s", err, out)
	}
	all := map[string]uint64{}
	for _, m := range list.Items {
		all[m.Name] = m.Edition
	}
	return all
}

func wantSaved(t *testing.T, url, want string) {
	t.Helper()
	var list []string
	for name, edition := range saved(t, url) {
		list = append(list, fmt.Sprint(name, " ", edition))
	}
	slices.Sort(list)
	if got := strings.Join(list, ", "); got != want {
		t.Errorf("saved are %s, want %s", got, want)
	}
}
