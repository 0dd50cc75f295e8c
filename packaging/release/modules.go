package main

import (
	"bytes"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"strings"
	"time"

	"github.com/CycloneDX/cyclonedx-go"
)

// modules are those that a program is built of, as the program itself records them.
type modules struct {
	*debug.BuildInfo
	program [sha256.Size]byte
}

func modulesOf(program string) (modules, error) {
	info, err := buildinfo.ReadFile(program)
	if err != nil {
		return modules{}, err
	}
	data, err := os.ReadFile(program)
	if err != nil {
		return modules{}, err
	}
	return modules{info, sha256.Sum256(data)}, nil
}

// bom is the list of what the program is built of, as CycloneDX 1.6 (ECMA-424) has it.
func (m modules) bom(version string, t target, at time.Time) ([]byte, error) {
	self := component("netmon", version)
	self.Type, self.BOMRef, self.PackageURL = cyclonedx.ComponentTypeApplication, "netmon", ""
	self.Hashes = &[]cyclonedx.Hash{{Algorithm: cyclonedx.HashAlgoSHA256, Value: fmt.Sprintf("%x", m.program)}}
	properties := []cyclonedx.Property{{Name: "netmon:target", Value: t.String()}}
	for _, s := range m.Settings {
		if strings.HasPrefix(s.Key, "vcs.") || s.Key == "-ldflags" || s.Key == "CGO_ENABLED" || s.Key == "GOARM" {
			properties = append(properties, cyclonedx.Property{Name: "go:" + s.Key, Value: s.Value})
		}
	}
	self.Properties = &properties
	parts := []cyclonedx.Component{component("std", strings.TrimPrefix(m.GoVersion, "go"))}
	for _, d := range m.Deps {
		if d.Replace != nil {
			d = d.Replace
		}
		c := component(d.Path, d.Version)
		// A module's checksum is the SHA-256 of the list of its files, as go.sum has it.
		if sum, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(d.Sum, "h1:")); err == nil && len(sum) == sha256.Size {
			c.Hashes = &[]cyclonedx.Hash{{Algorithm: cyclonedx.HashAlgoSHA256, Value: fmt.Sprintf("%x", sum)}}
		}
		parts = append(parts, c)
	}
	refs := []string{}
	for _, c := range parts {
		refs = append(refs, c.BOMRef)
	}
	bom := cyclonedx.NewBOM()
	bom.SerialNumber = uuid(m.program)
	bom.Metadata = &cyclonedx.Metadata{Timestamp: at.Format(time.RFC3339), Component: &self}
	bom.Components = &parts
	bom.Dependencies = &[]cyclonedx.Dependency{{Ref: self.BOMRef, Dependencies: &refs}}
	var out bytes.Buffer
	encoder := cyclonedx.NewBOMEncoder(&out, cyclonedx.BOMFileFormatJSON).SetPretty(true)
	if err := encoder.EncodeVersion(bom, cyclonedx.SpecVersion1_6); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// component is a Go module by its name and version.
func component(path, version string) cyclonedx.Component {
	url := "pkg:golang/" + path + "@" + strings.ReplaceAll(version, "+", "%2B")
	return cyclonedx.Component{Type: cyclonedx.ComponentTypeLibrary, BOMRef: url, Name: path, Version: version, PackageURL: url}
}

// uuid is one of version 8 (RFC 9562), of a program's hash: the same each time.
func uuid(hash [sha256.Size]byte) string {
	hash[6], hash[8] = hash[6]&0x0f|0x80, hash[8]&0x3f|0x80
	return fmt.Sprintf("urn:uuid:%x-%x-%x-%x-%x", hash[:4], hash[4:6], hash[6:8], hash[8:10], hash[10:16])
}

// licenceFile matches the files in which modules state their terms, and whom to name.
var licenceFile = regexp.MustCompile(`(?i)^(licen[cs]e|copying|notice|patents)([-.].*)?$`)

// licences are the terms of all modules in the program, which want to go along with it.
func (m modules) licences() ([]byte, error) {
	args := []string{"list", "-m", "-f", "{{.Path}}\t{{.Dir}}"}
	for _, d := range m.Deps {
		args = append(args, d.Path)
	}
	list, err := exec.Command("go", args...).Output()
	if err != nil {
		return nil, fmt.Errorf("go list -m: %w", err)
	}
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return nil, fmt.Errorf("go env GOROOT: %w", err)
	}
	var b bytes.Buffer
	b.WriteString("netmon is built of these modules, each under its own terms.\n")
	var missing []error
	for line := range strings.Lines("Go, its standard library and runtime\t" + string(root) + string(list)) {
		name, dir, _ := strings.Cut(strings.TrimSpace(line), "\t")
		found, err := writeLicences(&b, name, dir)
		if err != nil {
			return nil, err
		}
		if !found {
			missing = append(missing, fmt.Errorf("%s states no licence in %q", name, dir))
		}
	}
	return b.Bytes(), errors.Join(missing...)
}

func writeLicences(b *bytes.Buffer, name, dir string) (found bool, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return false, err
	}
	for _, e := range entries {
		if e.IsDir() || !licenceFile.MatchString(e.Name()) || strings.HasSuffix(e.Name(), ".go") {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return false, err
		}
		fmt.Fprintf(b, "\n\n%s\n%s: %s\n\n%s", strings.Repeat("=", 79), name, e.Name(), bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n")))
		found = true
	}
	return found, nil
}
