package e2e

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"netmon/internal/need"
)

// newcomer is somebody with two hosts (network namespaces with a line between them)
// who has cloned netmon and knows nothing but its README: what they paste are its
// blocks, in its order.
type newcomer struct {
	*testing.T
	prefix string            // of the namespaces' names
	dirs   map[string]string // of the hosts
	clone  string
	readme string
}

const (
	newcomerHome  = "10.79.0.1"
	newcomerParis = "10.79.0.2"
)

// TestNewcomer goes from a clone to a service that breaks and is mended, with its
// notices on a webhook, to a saved configuration, a second host, and an upgrade that
// keeps what was saved.
func TestNewcomer(t *testing.T) {
	t.Parallel()
	need.Time(t)
	n := newNewcomer(t)
	up := n.shell("home", n.clone)
	first, _, _ := strings.Cut(n.block("Start", "go run"), "\n")
	up.paste(first)
	up.built("broker on nats://127.0.0.1:4222")
	up.see("8 monitors")
	up.seenLine("loopback", "● ok")
	up.seenLine("nobody-tcp", "● ok")
	up.see("›")

	me := n.shell("home", n.clone)
	me.run(n.block("Watch something", "go build"))
	me.seen("shop saved")
	me.run(n.block("Watch something", "notify.yaml"))
	me.seen("hook", "sent")
	me.run(n.block("Watch something", "kill $service"))
	me.seen("DOWN: shop is down")
	if screen := me.see("refused"); !strings.Contains(screen, "shop") {
		t.Errorf("explain does not speak of the shop:\n%s", screen)
	}
	me.run(n.block("Watch something", "--for up --timeout 60s"))
	me.seen("RESOLVED: shop is up again")
	if strings.Contains(me.all(), "DOWN: nobody-udp") { // which fails, too
		t.Errorf("the rule is about the shop, and the webhook was told of another monitor:\n%s", me.screen())
	}

	me.run(n.block("Save a configuration", "config save"))
	me.run("netmon get monitors -o name")
	me.see("shop")
	up.keys("C-d")
	up.done()

	up.paste(n.block("A second host", "0.0.0.0"))
	up.seen("tls://", "9 monitors")
	me.run("netmon wait shop --for up --timeout 60s")
	me.run("netmon token new agent --id paris --label region=eu")
	line := regexp.MustCompile(`netmon agent --join \S+`).FindString(me.all())
	if line == "" || !strings.Contains(line, newcomerHome) {
		t.Fatalf("no line that another host can use: %q\n%s", line, me.screen())
	}
	paris := n.shell("paris", n.dirs["paris"])
	paris.paste("./" + line)
	paris.seen("agent paris connected to tls://")
	me.run(n.block("A second host", "get agents"))
	me.seenLine("paris", "online")
	me.seen("shop stopped on paris")
	// What was up on one host is up with the second one, which measures it, too.
	me.run("until netmon get results loopback --from 1h | grep ' paris '; do sleep 0.2; done")
	me.run("netmon wait broker loopback nobody-tcp shop --for up --timeout 60s")
	me.run("! netmon get results broker nobody-tcp --failures --from 1h | grep ' paris '")

	// The next version, and what it finds.
	n.publish(`var version = "0.1.0"`, `var version = "0.1.1"`)
	me.run(n.block("Run it for good", "git pull"))
	up.keys("C-d")
	up.done()
	up.paste("./netmon up --listen 0.0.0.0:4222")
	up.seen("netmon 0.1.1: broker on tls://", "9 monitors")
	me.run("netmon wait shop --for up --timeout 60s; until netmon get agents | grep 'online.*0.1.1'; do sleep 0.2; done")
	paris.keys("C-c")
	paris.done()
	n.copy("netmon", "paris")
	paris.paste("./netmon agent --id paris")
	paris.seen("agent paris connected to tls://")
	me.run("until netmon get agents | grep 'paris.*online.*0.1.1'; do sleep 0.2; done")
	me.run("netmon get results shop --failures --from 1h | grep 'shop .*failed.*refused'") // before the upgrade
}

func newNewcomer(t *testing.T) *newcomer {
	t.Helper()
	need.Root(t)
	need.Tool(t, "ip", "iproute2")
	need.Tool(t, "git", "git")
	n := &newcomer{T: t, prefix: fmt.Sprintf("nmn%d", os.Getpid()), dirs: map[string]string{"home": t.TempDir(), "paris": t.TempDir(), "origin": t.TempDir()}}
	for _, ns := range []string{"home", "paris"} {
		n.Cleanup(func() { exec.Command("ip", "netns", "del", n.prefix+ns).Run() })
		n.run("ip", "netns", "add", n.prefix+ns)
		n.run("ip", "-n", n.prefix+ns, "link", "set", "lo", "up")
	}
	n.run("ip", "-n", n.prefix+"home", "link", "add", "eth0", "type", "veth", "peer", "name", "eth0", "netns", n.prefix+"paris")
	for ns, address := range map[string]string{"home": newcomerHome, "paris": newcomerParis} {
		n.run("ip", "-n", n.prefix+ns, "address", "add", address+"/24", "dev", "eth0")
		n.run("ip", "-n", n.prefix+ns, "link", "set", "eth0", "up")
	}
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(root, ".git")); err != nil {
		need.Missing(t, "a git checkout of netmon")
	}
	n.clone = filepath.Join(n.dirs["home"], "netmon")
	// A repository of its own to pull from: what is checked out here, as it is now.
	n.run("git", "clone", "-q", "--bare", root, n.origin())
	n.run("git", "clone", "-q", n.origin(), n.clone)
	readme, err := os.ReadFile(filepath.Join(n.clone, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	n.readme = string(readme)
	return n
}

func (n *newcomer) origin() string { return filepath.Join(n.dirs["origin"], "netmon.git") }

func (n *newcomer) run(args ...string) {
	n.Helper()
	if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
		n.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// block is the shell block of a chapter of the README that has this text in it.
func (n *newcomer) block(chapter, text string) string {
	n.Helper()
	_, rest, found := strings.Cut(n.readme, "\n## "+chapter)
	if !found {
		n.Fatalf("README.md has no chapter %q", chapter)
	}
	rest, _, _ = strings.Cut(rest, "\n## ")
	for {
		_, after, found := strings.Cut(rest, "```sh\n")
		if !found {
			n.Fatalf("chapter %q of README.md has no block with %q", chapter, text)
		}
		block, next, _ := strings.Cut(after, "```")
		if strings.Contains(block, text) {
			return strings.TrimSuffix(block, "\n")
		}
		rest = next
	}
}

// publish changes main.go in the repository that the newcomer's clone pulls from.
func (n *newcomer) publish(old, changed string) {
	n.Helper()
	work := filepath.Join(n.dirs["origin"], "work")
	n.run("git", "clone", "-q", n.origin(), work)
	file := filepath.Join(work, "cmd", "netmon", "main.go")
	text, err := os.ReadFile(file)
	if err != nil {
		n.Fatal(err)
	}
	changedText := bytes.Replace(text, []byte(old), []byte(changed), 1)
	if bytes.Equal(text, changedText) {
		n.Fatalf("main.go has no %s", old)
	}
	if err := os.WriteFile(file, changedText, 0o600); err != nil {
		n.Fatal(err)
	}
	n.run("git", "-C", work, "-c", "user.name=n", "-c", "user.email=n@localhost", "commit", "-qam", "next")
	n.run("git", "-C", work, "push", "-q")
}

// copy gives a host a file of the clone.
func (n *newcomer) copy(name, host string) {
	n.Helper()
	n.run("cp", "--remove-destination", filepath.Join(n.clone, name), filepath.Join(n.dirs[host], name))
}

// shellTerm is a shell on a host, in a terminal of 80 by 24.
type shellTerm struct {
	*term
	prompts int // that were there before what was pasted last
}

func (n *newcomer) shell(host, dir string) *shellTerm {
	n.Helper()
	if host == "paris" {
		n.copy("netmon", host)
	}
	socket, err := os.MkdirTemp("", "tmux") // short: a socket's path has a limit
	if err != nil {
		n.Fatal(err)
	}
	s := &shellTerm{term: &term{t: n.T, tmux: need.Tool(n.T, "tmux", "tmux"), socket: filepath.Join(socket, "s")}}
	n.Cleanup(func() {
		if n.Failed() {
			n.Logf("the terminal on %s at the end:\n%s", host, s.all())
		}
		s.do("kill-server")
		os.RemoveAll(socket)
	})
	env := []string{"HOME=" + n.dirs[host], "XDG_STATE_HOME=", "XDG_CONFIG_HOME=", "NO_COLOR=1", "GOPROXY=off",
		"CGO_ENABLED=0", "GOFLAGS=-trimpath"} // as the other tests build it: what is compiled for them is used again
	for _, name := range []string{"GOCACHE", "GOMODCACHE", "GOPATH"} {
		value, err := exec.Command("go", "env", name).Output()
		if err != nil {
			n.Fatal(err)
		}
		env = append(env, name+"="+strings.TrimSpace(string(value)))
	}
	if host != "home" {
		env = append(env, "PATH=/usr/bin:/bin")
	}
	command := append([]string{"ip", "netns", "exec", n.prefix + host, "env", "-C", dir, "PS1=‹$?› "}, env...)
	settings := filepath.Join(socket, "tmux.conf")
	if err := os.WriteFile(settings, []byte("set -g history-limit 50000\n"), 0o600); err != nil {
		n.Fatal(err)
	}
	s.do(append(append([]string{"-f", settings, "new-session", "-d", "-x", "80", "-y", "24", "-e", "LANG=C.UTF-8", "--"}, command...), "bash", "--norc", "--noprofile")...)
	s.see("‹0›")
	return s
}

// paste pastes text, as a terminal does, and presses Enter.
func (s *shellTerm) paste(text string) {
	s.t.Helper()
	s.prompts = strings.Count(s.all(), "‹")
	cmd := exec.Command(s.tmux, "-u", "-S", s.socket, "load-buffer", "-")
	cmd.Stdin = strings.NewReader(text)
	if out, err := cmd.CombinedOutput(); err != nil {
		s.t.Fatalf("load-buffer: %v: %s", err, out)
	}
	s.do("paste-buffer", "-p")
	s.do("send-keys", "Enter")
}

// built waits for a text that comes after netmon was compiled.
func (s *shellTerm) built(text string) {
	s.t.Helper()
	s.long(fmt.Sprintf("said %q", text), func(all string) bool { return strings.Contains(all, text) })
}

// done waits for the shell's next prompt, and wants 0 there.
func (s *shellTerm) done() {
	s.t.Helper()
	all := s.long("came back to the shell", func(all string) bool { return strings.Count(all, "‹") > s.prompts })
	if code := all[strings.LastIndex(all, "‹"):]; !strings.HasPrefix(code, "‹0›") {
		s.t.Fatalf("it ended with %s", code)
	}
}

// long waits as long as compiling netmon may take.
func (s *shellTerm) long(what string, ok func(all string) bool) string {
	s.t.Helper()
	for limit := time.Now().Add(4 * time.Minute); ; time.Sleep(50 * time.Millisecond) {
		all := s.all()
		if ok(all) {
			return all
		}
		if time.Now().After(limit) {
			s.t.Fatalf("it never %s:\n%s", what, all)
		}
	}
}

// run pastes and waits until all of it has ended well.
func (s *shellTerm) run(text string) {
	s.t.Helper()
	s.t.Logf("pasted:\n%s", text)
	s.paste(text)
	s.done()
}
