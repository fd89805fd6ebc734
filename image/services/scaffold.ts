// SPDX-License-Identifier: GPL-3.0-or-later
// The files of a new service, to be filled in: every decision to make is there with an explanation.

/** In every sentence that is still the scaffold's; `cbox services check` finds it. */
export const STILL_TO_WRITE = "WRITE:";

/** By file name. `id` is the folder's name. */
export function scaffold(id: string, kind: "packages" | "compose"): Record<string, string> {
  return kind === "compose" ? composeFiles(id) : packageFiles(id);
}

const title = (id: string) => id.charAt(0).toUpperCase() + id.slice(1).replaceAll("-", " ");

const head = (id: string) => `# yaml-language-server: $schema=../../../profiles/schemas/service.schema.json
#
# ${STILL_TO_WRITE} why it is set up as it is; what a reader would wonder about.

id: ${id}
title: { en: ${title(id)}, ca: ${title(id)}, es: ${title(id)} }
description:
  en: "${STILL_TO_WRITE} one paragraph for a neighbour: what it is good for."
  ca: "${STILL_TO_WRITE} the same in Catalan."
  es: "${STILL_TO_WRITE} the same in Spanish."
# Small numbers are announced first; Serf has room for about five services.
priority: 200
`;

const publication = (type: string, description: string) => `# Left out: it is not announced to the community.
publication:
  type: ${type}
  description: ${description}
`;

function packageFiles(id: string): Record<string, string> {
  return {
    "service.yaml": `${head(id)}# pool: .deb files in the image; network: from Debian's mirror.
source: pool
packages: [${id}]
# The first place that a box has is the default.
where: { allowed: [community, host] }
architectures: [amd64, arm64]
needs: { memory_mib: 50 }
units: [${id}.service]
ports:
  - { port: 8099, protocol: tcp, public: true }
# Who gets the administrator's account: none, there is none to take; made, by the password below.
first_account: made
# What the person may choose.
inputs:
  welcome:
    schema:
      type: string
      default: ""
      maxLength: 100
      # Nothing that would leave its line of the configuration.
      pattern: '^[^\\n"\\\\]*$'
      description: "Sentence for visitors. Default: empty."
      x-expected: one line
    file_only: true
# Made on each box; templates see it as secrets.password.
secrets:
  password:
    bytes: 10
    label: { en: Password, ca: Contrasenya, es: Contraseña }
files:
  - { template: settings.conf.hbs, target: /etc/${id}/settings.conf, mode: "0600" }
health: { wait_seconds: 60 }
# Stays when it is switched off; remove-data removes it.
data: [/var/lib/${id}]
${publication(id, title(id))}`,
    "settings.conf.hbs": `# Written by cbox.
listen = 8099
welcome = "{{inputs.welcome}}"
password = {{secrets.password}}
`,
  };
}

function composeFiles(id: string): Record<string, string> {
  return {
    "service.yaml": `${head(id)}source: network
compose:
  file: compose.yaml.hbs
  environment: environment.hbs
where: { allowed: [community] }
# Those for which all of its images exist.
architectures: [amd64, arm64]
needs: { memory_mib: 300 }
ports:
  - { port: 8099, protocol: tcp, public: true }
# Who gets the administrator's account: none, there is none to take; made, by the password below; visitor, whoever opens
# its page first: then its port is published as "{{service.bind}}8099:80", and the owner claims it.
first_account: made
secrets:
  admin_password:
    bytes: 10
    label: { en: Administrator, ca: Administrador, es: Administrador }
health: { wait_seconds: 600 }
${publication("Docker", `${id}_${id}`)}`,
    "compose.yaml.hbs": `services:
  ${id}:
    image: example/${id}:1.0.0
    restart: unless-stopped
    # The box opens it as "ports" of service.yaml says; one that is not public there is published at 127.0.0.1.
    ports: ["8099:80"]
    environment:
      ADMIN_PASSWORD: \${ADMIN_PASSWORD}
    volumes: ["data:/data"]
volumes:
  data: {}
`,
    "environment.hbs": "ADMIN_PASSWORD={{secrets.admin_password}}\n",
  };
}
