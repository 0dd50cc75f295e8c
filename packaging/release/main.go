package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

func main() {
	var r release
	var version, targets string
	flag.StringVar(&version, "version", "", "`VERSION`, such as 0.2.0; else git and the source say it")
	flag.StringVar(&targets, "targets", "", "`OS/ARCH` of what to build, by blanks; else all")
	flag.StringVar(&r.out, "out", filepath.Join("dist", "release"), "`FOLDER` for what is made")
	flag.StringVar(&r.url, "url", "https://example.com/netmon", "`URL` of the folder that the formula for Homebrew loads from")
	flag.Parse()
	if err := r.run(version, targets); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

// release is one version, on its way into a folder.
type release struct {
	out, url string
	version  string
	commit   commit
	sums     sums
}

func (r *release) run(version, targets string) error {
	list, wrongTargets := parseTargets(targets)
	var noCommit, wrongVersion error
	r.commit, noCommit = readCommit()
	r.version, wrongVersion = versionOf(version, r.commit)
	if err := errors.Join(wrongTargets, noCommit, wrongVersion); err != nil {
		return err
	}
	if err := emptyFolder(r.out); err != nil {
		return err
	}
	work, err := os.MkdirTemp("", "netmon-release")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	texts, err := r.texts(work)
	if err != nil {
		return err
	}
	for _, t := range list {
		began := time.Now()
		if err := r.target(t, work, texts); err != nil {
			return fmt.Errorf("%s: %w", t, err)
		}
		fmt.Printf("%-14s %5.1f s\n", t, time.Since(began).Seconds())
	}
	if err := r.formula(); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(r.out, "SHA256SUMS"), r.sums.text(), 0o644); err != nil {
		return err
	}
	for _, s := range r.sums {
		fmt.Printf("%9d %s\n", s.size, s.name)
	}
	fmt.Printf("netmon %s is in %s\n", r.version, r.out)
	return nil
}

// target makes all that there is for one system.
func (r *release) target(t target, work string, texts texts) error {
	program, err := build(work, t, r.version, r.commit)
	if err != nil {
		return err
	}
	modules, err := modulesOf(program)
	if err != nil {
		return err
	}
	licences, err := modules.licences()
	if err != nil {
		return err
	}
	bom, err := modules.bom(r.version, t, r.commit.at)
	if err != nil {
		return err
	}
	data, err := os.ReadFile(program)
	if err != nil {
		return err
	}
	name := fmt.Sprintf("netmon_%s_%s", r.version, t.name())
	if err := r.write(name+".cdx.json", bom); err != nil {
		return err
	}
	archive, err := t.archive(name, archiveFiles(t, data, texts, licences), r.commit.at)
	if err != nil {
		return err
	}
	if err := r.write(name+t.ending(), archive); err != nil {
		return err
	}
	arch := t.debian()
	if arch == "" {
		return nil
	}
	p := debianPackage{version: debianVersion(r.version), arch: arch, maintainer: r.commit.maintainer(), at: r.commit.at}
	deb, err := p.pack(debianFiles(p, data, texts, licences), texts)
	if err != nil {
		return err
	}
	return r.write(p.name(), deb)
}

// write writes one of the files that are published.
func (r *release) write(name string, data []byte) error {
	r.sums.add(name, data)
	return os.WriteFile(filepath.Join(r.out, name), data, 0o644)
}

// emptyFolder makes a folder, or empties the one of a release made before. It leaves any
// other folder alone.
func emptyFolder(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	for _, e := range entries {
		if name := e.Name(); e.IsDir() || name != "SHA256SUMS" && name != "netmon.rb" && !strings.HasPrefix(name, "netmon_") {
			return fmt.Errorf("%s holds %q, which is of no release: remove it, or name another folder with -out", dir, name)
		}
	}
	for _, e := range entries {
		if err := os.Remove(filepath.Join(dir, e.Name())); err != nil {
			return err
		}
	}
	return os.MkdirAll(dir, 0o755)
}
