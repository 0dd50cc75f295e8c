package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// formula completes packaging/homebrew/netmon.rb. Without all systems that it serves there
// is none.
func (r *release) formula() error {
	template, err := os.ReadFile(filepath.Join("packaging", "homebrew", "netmon.rb"))
	if err != nil {
		return err
	}
	text := strings.NewReplacer("@VERSION@", r.version, "@URL@", strings.TrimSuffix(r.url, "/")).Replace(string(template))
	for _, t := range allTargets() {
		mark := "@SHA256_" + t.name() + "@"
		if !strings.Contains(text, mark) {
			continue
		}
		sum := r.sums.of(fmt.Sprintf("netmon_%s_%s%s", r.version, t.name(), t.ending()))
		if sum == "" {
			fmt.Printf("no formula for Homebrew: %s was not built\n", t)
			return nil
		}
		text = strings.ReplaceAll(text, mark, sum)
	}
	return r.write("netmon.rb", []byte(text))
}
