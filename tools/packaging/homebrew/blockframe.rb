# Homebrew formula. In the repository this is the template from which the release task makes
# dist/blockframe.rb: it fills in what stands between @ signs, and drops targets without a download.
class Blockframe < Formula
  desc "Erasure-coded archive that verifies every byte and repairs itself"
  homepage "@HOMEPAGE@"
  version "@VERSION@"
  license "MIT"

  on_macos do
    # target aarch64-apple-darwin
    on_arm do
      url "@BASE_URL@/@FILE aarch64-apple-darwin@"
      sha256 "@SHA256 aarch64-apple-darwin@"
    end
    # end
    # target x86_64-apple-darwin
    on_intel do
      url "@BASE_URL@/@FILE x86_64-apple-darwin@"
      sha256 "@SHA256 x86_64-apple-darwin@"
    end
    # end
  end

  on_linux do
    # target aarch64-unknown-linux-gnu
    on_arm do
      url "@BASE_URL@/@FILE aarch64-unknown-linux-gnu@"
      sha256 "@SHA256 aarch64-unknown-linux-gnu@"
    end
    # end
    # target x86_64-unknown-linux-gnu
    on_intel do
      url "@BASE_URL@/@FILE x86_64-unknown-linux-gnu@"
      sha256 "@SHA256 x86_64-unknown-linux-gnu@"
    end
    # end
  end

  def install
    bin.install "bin/blockframe"
    prefix.install "share"
  end

  test do
    assert_match version.to_s, shell_output("#{bin}/blockframe --version")
    (testpath/"letter").write "kept"
    system bin/"blockframe", "commit", "letter"
    rm Dir["archive_directory/letter_*/segments/*"]
    assert_equal "kept", shell_output("#{bin}/blockframe restore letter -o -", 1)
  end
end
