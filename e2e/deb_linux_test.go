package e2e

import (
	"context"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// debianHost is a Debian of its own, with systemd, in a container.
type debianHost struct {
	*testing.T
	name string
}

// onDebian does on a Debian what docs/install.md says: with an archive; then with the package,
// whose broker and agent systemd runs, and which is upgraded, removed, installed again and
// purged.
func (m *madeReleases) onDebian(t *testing.T, image *debianImage) {
	h := &debianHost{t, image.use(t)}
	h.start()
	for _, version := range []string{"1.0.0", "1.1.0"} {
		for _, path := range []string{m.file(t, version, ".deb"), m.file(t, version, ".tar.gz"), filepath.Join(m.dir, version, "SHA256SUMS")} {
			h.docker("cp", path, h.name+":/root/")
		}
	}
	says := func(chapter string, i int, version string) string { // by the document
		t.Helper()
		return h.do("sh", "-ec", "cd /root\n"+m.doc.take(t, chapter, i, version))
	}

	says("Archive", 0, "1.1.0")
	h.wants("netmon 1.1.0\n", "netmon", "version")
	h.do("sh", "-ec", "cd /root/netmon_1.1.0_*\n"+m.doc.take(t, "Archive", 1, "")+m.doc.take(t, "Archive", 2, ""))
	h.wants("disabled", "sh", "-c", "systemctl is-enabled netmon-agent || true")
	h.do("test", "-s", "/usr/local/share/man/man1/netmon-agent.1")
	says("Archive", 3, "")
	h.nothingLeft("")

	h.do("sh", "-ec", "umask 077; mkdir -m 755 /etc/netmon; echo '# of before' >/etc/netmon/notifier.env")
	says("Debian", 0, "1.0.0")
	h.wants("# of before\n", "cat", "/etc/netmon/notifier.env")
	h.wants("netmon 1.0.0\n", "netmon", "version")
	for _, part := range []string{"broker", "agent", "notifier"} {
		h.wants("disabled", "sh", "-c", "systemctl is-enabled netmon-"+part+" || true")
		h.fails("systemctl", "is-active", "netmon-"+part)
		h.wants("600 root root\n", "stat", "-c", "%a %U %G", "/etc/netmon/"+part+".env")
	}
	for _, path := range []string{"/usr/share/man/man1/netmon-agent.1.gz", "/usr/share/bash-completion/completions/netmon", "/usr/share/zsh/vendor-completions/_netmon",
		"/usr/share/fish/vendor_completions.d/netmon.fish", "/usr/share/doc/netmon/examples/policy.yaml", "/usr/share/doc/netmon/copyright", "/usr/share/doc/netmon/changelog.gz"} {
		h.do("test", "-s", path)
	}
	h.do("dpkg", "--verify", "netmon")
	h.wants("netmon", "bash", "-ec", m.doc.take(t, "Completion", 0, "")+"complete -p netmon")
	h.do("sh", "-ec", m.doc.take(t, "Manual", 0, "")+"mv ~/.local/share/man/man1/netmon.1 /root/page.1; rm -r ~/.local")

	enable, token, _ := strings.Cut(m.doc.take(t, "Debian", 1, ""), "\n")
	h.do("sh", "-c", enable)
	line := regexp.MustCompile(`tls://\S+/join/\S+`).FindString(h.awaits("join", "sh", "-c", token))
	h.do("sh", "-c", "echo 'kinds: [tcp, icmp]' >/etc/netmon/policy.yaml && install -d -m 700 /etc/netmon/secrets && echo s >/etc/netmon/secrets/mine")
	h.do("sh", "-ec", strings.Replace(m.doc.take(t, "Debian", 2, ""), "LINE", line, 1))
	h.awaits("1.0.0", "netmon", "get", "agents")
	h.do("netmon", "add", "tcp", "127.0.0.1:4222", "--name", "self", "--every", "1s")
	h.do("netmon", "add", "icmp", "127.0.0.1", "--name", "echo", "--every", "1s")
	h.goesOn()

	m.doc.tried-- // the same block
	says("Debian", 0, "1.1.0")
	h.wants("netmon 1.1.0\n", "netmon", "version")
	h.awaits(`"version": "1.1.0"`, "netmon", "get", "agents", "-o", "json")
	h.goesOn()
	h.fails("systemctl", "is-active", "netmon-notifier") // what did not run does not
	h.wants(line, "cat", "/etc/netmon/agent.env")

	says("Debian", 3, "")
	h.fails("test", "-e", "/usr/bin/netmon")
	h.fails("pidof", "netmon")
	for _, kept := range []string{"/etc/netmon/agent.env", "/etc/netmon/policy.yaml", "/var/lib/private/netmon-broker/access", "/var/lib/private/netmon-agent"} {
		h.do("test", "-e", kept)
	}

	m.doc.tried--
	says("Debian", 0, "1.1.0")
	h.do("systemctl", "start", "netmon-broker", "netmon-agent") // as the next boot would
	h.goesOn()

	says("Debian", 4, "")
	h.fails("pidof", "netmon")
	h.nothingLeft("/etc/netmon\n")
	h.wants("/etc/netmon/secrets/mine\n", "find", "/etc/netmon", "-type", "f")
}

// nothingLeft looks for all that bears the name, but for what was copied to the host.
func (h *debianHost) nothingLeft(but string) {
	h.Helper()
	if left := h.do("find", "/", "-xdev", "(", "-path", "/proc", "-o", "-path", "/sys", "-o", "-path", "/root", ")", "-prune", "-o", "-name", "*netmon*", "-print"); left != but {
		h.Errorf("there are %q, want %q", left, but)
	}
}

// goesOn wants the agent to measure on, as the one that it was, without another line.
func (h *debianHost) goesOn() {
	h.Helper()
	h.awaits("", "netmon", "wait", "self", "echo", "--timeout", "20s")
	began := time.Now().UTC().Format(time.RFC3339)
	for _, name := range []string{"self", "echo"} {
		h.awaits("paris", "netmon", "get", "results", name, "--from", began, "--outcome", "ok")
	}
}

// start boots the host: systemd wants to mount, and a tree of control groups to write.
func (h *debianHost) start() {
	h.Helper()
	h.docker("run", "-d", "--name", h.name, "--hostname", "debian", "--cap-add", "SYS_ADMIN", "--security-opt", "seccomp=unconfined", "--security-opt", "apparmor=unconfined",
		"--cgroupns", "host", "-v", "/sys/fs/cgroup:/sys/fs/cgroup", "--tmpfs", "/run", "--tmpfs", "/run/lock", "--tmpfs", "/tmp", "-e", "container=docker", h.name, "/sbin/init")
	h.awaits("ing", "sh", "-c", "systemctl is-system-running --wait || true")
}

func (h *debianHost) docker(args ...string) string {
	h.Helper()
	return do(h.T, 0, "docker", args...)
}

// try runs a command on the host.
func (h *debianHost) try(args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(h.Context(), 2*time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, "docker", append([]string{"exec", "-e", "DEBIAN_FRONTEND=noninteractive", h.name}, args...)...).CombinedOutput()
	return string(out), err
}

func (h *debianHost) do(args ...string) string {
	h.Helper()
	out, err := h.try(args...)
	if err != nil {
		h.fatal("%q: %v\n%s", args, err, out)
	}
	return out
}

func (h *debianHost) wants(want string, args ...string) {
	h.Helper()
	if out := h.do(args...); !strings.Contains(out, want) {
		h.fatal("%q: no %q in\n%s", args, want, out)
	}
}

func (h *debianHost) fails(args ...string) {
	h.Helper()
	if out, err := h.try(args...); err == nil {
		h.fatal("%q does not fail:\n%s", args, out)
	}
}

// awaits runs a command until it succeeds and prints what is wanted, and returns that.
func (h *debianHost) awaits(want string, args ...string) string {
	h.Helper()
	for limit := time.Now().Add(patience); ; <-time.After(200 * time.Millisecond) {
		out, err := h.try(args...)
		if err == nil && strings.Contains(out, want) {
			return out
		}
		if time.Now().After(limit) {
			h.fatal("%q: %v, no %q in\n%s", args, err, want, out)
		}
	}
}

// fatal says what the daemons said, too.
func (h *debianHost) fatal(format string, args ...any) {
	h.Helper()
	journal, _ := h.try("journalctl", "--no-pager", "-n", "40", "-u", "netmon-*")
	h.Logf("the journal:\n%s", journal)
	h.Fatalf(format, args...)
}
