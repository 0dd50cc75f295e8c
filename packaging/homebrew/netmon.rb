# netmon's formula for Homebrew. make release completes it: dist/release/netmon.rb is for a
# tap of yours (docs/install.md).
class Netmon < Formula
  desc "Watch network services from many places at once, and see it live"
  homepage "@URL@"
  version "@VERSION@"

  on_macos do
    on_arm do
      url "@URL@/netmon_@VERSION@_darwin_arm64.tar.gz"
      sha256 "@SHA256_darwin_arm64@"
    end
    on_intel do
      url "@URL@/netmon_@VERSION@_darwin_amd64.tar.gz"
      sha256 "@SHA256_darwin_amd64@"
    end
  end

  on_linux do
    on_arm do
      url "@URL@/netmon_@VERSION@_linux_arm64.tar.gz"
      sha256 "@SHA256_linux_arm64@"
    end
    on_intel do
      url "@URL@/netmon_@VERSION@_linux_amd64.tar.gz"
      sha256 "@SHA256_linux_amd64@"
    end
  end

  def install
    bin.install "netmon"
    man1.install Dir["man/man1/*.1"]
    bash_completion.install "completions/netmon.bash" => "netmon"
    zsh_completion.install "completions/_netmon"
    fish_completion.install "completions/netmon.fish"
    pkgshare.install "examples"
  end

  test do
    assert_match "netmon #{version}", shell_output("#{bin}/netmon version")
  end
end
