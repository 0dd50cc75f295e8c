// Command gosec looks for what attackers look for in Go code. It is the checks
// of github.com/securego/gosec without its program, which takes minutes to
// build. .ci/run says which rules are left out, and why.
package main

import (
	"github.com/securego/gosec/v2/goanalysis"
	"golang.org/x/tools/go/analysis/singlechecker"
)

func main() { singlechecker.Main(goanalysis.Analyzer) }
