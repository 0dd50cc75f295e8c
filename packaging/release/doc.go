// Command release makes what is published of one version of netmon: static programs for
// each system in archives, packages for Debian, the list of what they are built of, a
// formula for Homebrew, and the checksums of all that. make release starts it.
//
// Two runs for the same commit and version make the same bytes: programs hold no path and
// no time but the commit's, and so do archives.
package main
