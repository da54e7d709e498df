# Configures a lab host's sshd from what the lab mounts at $SETTINGS: ssh_host_ed25519_key,
# authorized_keys, sshd_options. Sourced; leaves its configuration at $RUN/sshd_config.
configure_sshd() {
  install -d -m 0755 "$RUN" /run/sshd
  install -m 0600 "$SETTINGS/ssh_host_ed25519_key" "$RUN/"
  install -m 0644 "$SETTINGS/authorized_keys" "$RUN/"
  # The first value of an option is the one that counts, so the host's own come first.
  cat "$SETTINGS/sshd_options" - > "$RUN/sshd_config" << END
HostKey $RUN/ssh_host_ed25519_key
AuthorizedKeysFile $RUN/authorized_keys
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
PermitRootLogin no
PrintMotd no
PidFile none
END
}
