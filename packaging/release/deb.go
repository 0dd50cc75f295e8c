package main

import (
	"bytes"
	"crypto/md5" // #nosec G501 -- what dpkg -V compares, not a proof
	"fmt"
	"strings"
	"time"
)

// debianPackage is what a .deb says of itself.
type debianPackage struct {
	version, arch, maintainer string
	at                        time.Time
}

// name is that of the file.
func (p debianPackage) name() string { return fmt.Sprintf("netmon_%s_%s.deb", p.version, p.arch) }

// debianFiles are those that the package installs.
func debianFiles(p debianPackage, program []byte, texts texts, licences []byte) []file {
	const doc = "usr/share/doc/netmon/"
	files := []file{
		{"usr/bin/netmon", 0o755, program},
		{"usr/share/bash-completion/completions/netmon", 0o644, texts["completions/netmon.bash"]},
		{"usr/share/zsh/vendor-completions/_netmon", 0o644, texts["completions/_netmon"]},
		{"usr/share/fish/vendor_completions.d/netmon.fish", 0o644, texts["completions/netmon.fish"]},
		{"usr/share/lintian/overrides/netmon", 0o644, texts["packaging/debian/lintian-overrides"]},
		{doc + "copyright", 0o644, append(texts["packaging/licence.txt"],
			"\nThe modules that netmon is built of have licences of their own:\n/usr/share/doc/netmon/licences-of-modules.txt.gz\n"...)},
		{doc + "licences-of-modules.txt.gz", 0o644, gzipped(licences)},
		{doc + "README.md.gz", 0o644, gzipped(texts["README.md"])},
		{doc + "changelog.gz", 0o644, gzipped(texts["CHANGELOG.md"])},
		{doc + "changelog.Debian.gz", 0o644, gzipped(p.changelog())},
		{doc + "examples/policy.yaml", 0o644, texts["packaging/policy.yaml"]},
		{doc + "examples/notifier.yaml", 0o644, texts["packaging/notifier.yaml"]},
	}
	for name, data := range texts.below("packaging/systemd") {
		files = append(files, file{"usr/lib/systemd/system/" + name, 0o644, bytes.ReplaceAll(data, []byte("/usr/local/bin/"), []byte("/usr/bin/"))})
	}
	for name, data := range texts.below("man/man1") {
		files = append(files, file{"usr/share/man/man1/" + name + ".gz", 0o644, gzipped(data)})
	}
	for name, data := range texts.below("packaging/debian") {
		if strings.HasSuffix(name, ".env") { // postinst copies them to /etc/netmon
			files = append(files, file{"usr/share/netmon/" + name, 0o644, data})
		}
	}
	return files
}

// changelog is that of the package, in Debian's own form.
func (p debianPackage) changelog() []byte {
	return fmt.Appendf(nil, "netmon (%s) unstable; urgency=medium\n\n  * What is new stands in changelog.gz.\n\n -- %s  %s\n",
		p.version, p.maintainer, p.at.Format(time.RFC1123Z))
}

// pack makes the package: deb(5), of format 2.0.
func (p debianPackage) pack(files []file, texts texts) ([]byte, error) {
	var sizes int
	var md5sums strings.Builder
	for _, f := range sorted(files) {
		sizes += (len(f.data) + 1023) / 1024
		fmt.Fprintf(&md5sums, "%x  %s\n", md5.Sum(f.data), f.path) // #nosec G401 -- as above
	}
	about := strings.NewReplacer("@VERSION@", p.version, "@ARCH@", p.arch, "@MAINTAINER@", p.maintainer, "@SIZE@", fmt.Sprint(sizes)).
		Replace(string(texts["packaging/debian/control"]))
	control := []file{
		{"control", 0o644, []byte(about)},
		{"md5sums", 0o644, []byte(md5sums.String())},
	}
	for _, script := range []string{"postinst", "prerm", "postrm"} {
		control = append(control, file{script, 0o755, texts["packaging/debian/"+script]})
	}
	head, err := tarred("./", control, p.at)
	if err != nil {
		return nil, err
	}
	data, err := tarred("./", files, p.at)
	if err != nil {
		return nil, err
	}
	return ar([]file{
		{"debian-binary", 0o644, []byte("2.0\n")},
		{"control.tar.gz", 0o644, head},
		{"data.tar.gz", 0o644, data},
	}, p.at), nil
}

// ar is an archive of files in the common form of ar(5).
func ar(files []file, at time.Time) []byte {
	b := bytes.NewBufferString("!<arch>\n")
	for _, f := range files {
		fmt.Fprintf(b, "%-16s%-12d%-6d%-6d%-8s%-10d`\n", f.path, at.Unix(), 0, 0, fmt.Sprintf("100%o", f.mode), len(f.data))
		b.Write(f.data)
		if len(f.data)%2 == 1 {
			b.WriteByte('\n')
		}
	}
	return b.Bytes()
}
