package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// commit is what is built. Outside of a clone it has a time at most.
type commit struct {
	hash    string // 12 digits
	at      time.Time
	author  string // NAME <MAIL>
	count   int    // of the commits until it
	tag     string // the last version before it, such as v0.1.0, or ""
	beyond  int    // commits since the tag
	changed bool   // something is not committed
}

// readCommit asks git. SOURCE_DATE_EPOCH goes before the commit's time.
func readCommit() (c commit, err error) {
	if _, err := os.Stat(".git"); err == nil {
		if c, err = fromGit(); err != nil {
			return c, err
		}
	}
	if text := os.Getenv("SOURCE_DATE_EPOCH"); text != "" {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return c, fmt.Errorf("SOURCE_DATE_EPOCH: want seconds since 1970, got %q", text)
		}
		c.at = time.Unix(n, 0).UTC()
	}
	if c.at.IsZero() {
		return c, errors.New("no git clone, and no SOURCE_DATE_EPOCH: set it to the time of this source, in seconds since 1970")
	}
	return c, nil
}

func fromGit() (c commit, err error) {
	line, err := git("log", "-1", "--format=%h%x09%ct%x09%an <%ae>", "--abbrev=12")
	if err != nil {
		return c, err
	}
	fields := strings.SplitN(line, "\t", 3)
	if len(fields) != 3 {
		return c, fmt.Errorf("git log: %q", line)
	}
	seconds, err := strconv.ParseInt(fields[1], 10, 64)
	if err != nil {
		return c, err
	}
	c.hash, c.at, c.author = fields[0], time.Unix(seconds, 0).UTC(), fields[2]
	state, err := git("status", "--porcelain")
	if err != nil {
		return c, err
	}
	c.changed = state != ""
	count := "HEAD"
	if tag, err := git("describe", "--tags", "--abbrev=0", "--match", "v[0-9]*"); err == nil {
		c.tag = tag
		beyond, err := git("rev-list", "--count", tag+"..HEAD")
		if err != nil {
			return c, err
		}
		if c.beyond, err = strconv.Atoi(beyond); err != nil {
			return c, err
		}
	}
	text, err := git("rev-list", "--count", count)
	if err != nil {
		return c, err
	}
	c.count, err = strconv.Atoi(text)
	return c, err
}

func git(args ...string) (string, error) {
	out, err := exec.Command("git", args...).Output()
	if err != nil {
		return "", fmt.Errorf("git %s: %w", args[0], err)
	}
	return strings.TrimSpace(string(out)), nil
}

// maintainer is who a package names: as Debian's tools have it, else who made the commit.
func (c commit) maintainer() string {
	if name, mail := os.Getenv("DEBFULLNAME"), os.Getenv("DEBEMAIL"); name != "" && mail != "" {
		return name + " <" + mail + ">"
	}
	if c.author == "" {
		return "nobody <nobody@example.com>"
	}
	return c.author
}

// semantic is a version as semver.org has it, without the v.
var semantic = regexp.MustCompile(`^\d+\.\d+\.\d+(-[0-9A-Za-z]+([.-][0-9A-Za-z]+)*)?(\+[0-9A-Za-z]+(\.[0-9A-Za-z]+)*)?$`)

// versionOf is the version to publish: the given one, else the tag of the commit, else the
// version before it with what tells commits apart, as 0.1.0+git31.4f918c8b1a2c: it sorts
// behind that one and before the next.
func versionOf(given string, c commit) (string, error) {
	if given != "" {
		v := strings.TrimPrefix(given, "v")
		if !semantic.MatchString(v) {
			return "", fmt.Errorf("version: want one such as 0.2.0 or 0.2.0-rc.1, got %q", given)
		}
		return v, nil
	}
	base, n := strings.TrimPrefix(c.tag, "v"), c.beyond
	if c.tag == "" {
		var err error
		if base, err = sourceVersion(); err != nil {
			return "", err
		}
		n = c.count
	}
	if !semantic.MatchString(base) {
		return "", fmt.Errorf("tag %q is no version such as v0.2.0: give one with VERSION=", c.tag)
	}
	if c.tag != "" && n == 0 && !c.changed || c.hash == "" {
		return base, nil
	}
	v := fmt.Sprintf("%s+git%d.%s", base, n, c.hash)
	if c.changed {
		v += ".changed"
	}
	return v, nil
}

// sourceVersion is what a program calls itself that is built without a version.
func sourceVersion() (string, error) {
	const path = "cmd/netmon/main.go"
	data, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	m := regexp.MustCompile(`(?m)^var version = "([^"]*)"$`).FindSubmatch(data)
	if m == nil {
		return "", fmt.Errorf("%s has no line var version = \"…\"", path)
	}
	return string(m[1]), nil
}

// debianVersion is a version as dpkg orders it: what comes before a version has a tilde.
func debianVersion(v string) string {
	v, meta, ok := strings.Cut(v, "+")
	core, pre, before := strings.Cut(v, "-")
	if before {
		core += "~" + strings.ReplaceAll(pre, "-", ".")
	}
	if ok {
		core += "+" + meta
	}
	return core + "-1"
}
