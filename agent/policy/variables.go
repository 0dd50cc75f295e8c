package policy

import (
	"path"
	"slices"
	"strings"
)

// loaders are variables by which whoever sets them has other code run than the program's, or
// has it read or write files that they choose. A * at the end stands for all that begin so.
// The list cannot be complete: each program has variables of its own. It is there to refuse
// the common ones, and patterns that are wider than their author thought.
var loaders = []string{
	"PATH", "HOME", "IFS", "ENV", "SHELL", "SHELLOPTS", "BASHOPTS", "BASH_ENV", "BASH_FUNC_*", "PS4", "ZDOTDIR", // shells
	"LD_PRELOAD", "LD_LIBRARY_PATH", "LD_AUDIT", "LD_*", "DYLD_*", "GCONV_PATH", "GLIBC_TUNABLES", "LOCPATH", "NLSPATH", "GETCONF_DIR", "HOSTALIASES", "MALLOC_*", // ld.so(8), libc
	"PERL*", "PYTHON*", "RUBY*", "GEM_*", "BUNDLE_*", "NODE_*", "LUA_*", "PHPRC", "PHP_INI_SCAN_DIR", "TCLLIBPATH", "R_PROFILE*", "R_ENVIRON*", // interpreters
	"CLASSPATH", "_JAVA_OPTIONS", "JAVA_*", "JDK_JAVA_OPTIONS", "DOTNET_*", "CORECLR_*", "COR_*", "MONO_*", "COMPlus_*",
	"OPENSSL_*", "SSLKEYLOGFILE", "SASL_PATH", "SASL_CONF_PATH", "KRB5_*", "KRB5CCNAME", "GSS_*", "GIO_*", "XDG_*", // libraries
	"LIBMYSQL_*", "MYSQL_HOME", "ODBC*", "ORACLE_HOME", "TNS_ADMIN", "PGSYSCONFDIR", "PGSERVICEFILE", "PGPASSFILE",
	"GIT_*", "CURL_HOME", "WGETRC", "RSYNC_RSH", "SSH_ASKPASS", "SUDO_ASKPASS", "PAGER", "MANPAGER", "LESSOPEN", "LESSCLOSE", "EDITOR", "VISUAL", "BROWSER", // programs that start others
}

// loaderOf is one of these variables that a pattern lets monitors set, "" where it lets them
// set none. The pattern was checked.
func loaderOf(pattern string) string {
	i := slices.IndexFunc(loaders, func(name string) bool {
		begin, all := strings.CutSuffix(name, "*")
		return all && begins(pattern, begin) || listed([]string{pattern}, name)
	})
	switch {
	case i < 0:
		return ""
	case strings.ContainsAny(pattern, `*?[\`):
		return loaders[i]
	}
	return pattern
}

// begins says whether a pattern matches a name that begins so: a part of it matches the
// beginning, and something always matches the rest.
func begins(pattern, begin string) bool {
	for i := range len(pattern) + 1 {
		if ok, err := path.Match(pattern[:i], begin); ok && err == nil {
			return true
		}
	}
	return false
}
