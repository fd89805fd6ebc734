// SPDX-License-Identifier: GPL-3.0-or-later
// The members of the lab's community, shared by its directory (LDAP), its web site and `cbox demo`. The passwords are
// not secret: these accounts exist in the lab only.

export interface LabMember {
  readonly name: string;
  readonly password: string;
  readonly mail: string;
  /** Known to the directory, which copies the site's members once a day. */
  readonly inDirectory: boolean;
  /** May log in at the web site. */
  readonly inSite: boolean;
  /** Who this is, for a person who tries the lab. */
  readonly about: string;
}

export const MEMBERS: readonly LabMember[] = [
  {
    name: "anna",
    password: "vilanova-1905",
    mail: "anna@example.net",
    inDirectory: true,
    inSite: true,
    about: "an ordinary member",
  },
  {
    name: "bernat",
    // Finds code that decodes a web address once too often, or counts bytes as characters.
    password: "pa+ss % 100&més",
    mail: "bernat@example.net",
    inDirectory: true,
    inSite: true,
    about: "a password with +, %, &, spaces and an accent",
  },
  {
    name: "Pere Mas_i.Pla",
    password: "tramuntana",
    mail: "pere@example.net",
    inDirectory: true,
    inSite: true,
    about: "a name with a space, a dot and an underscore",
  },
  {
    name: "#roca, maria+josep",
    password: 'cim"alt\\',
    mail: "roca@example.net",
    inDirectory: true,
    inSite: true,
    about: "a name that needs escaping in the directory (RFC 4514)",
  },
  {
    name: "nuria",
    password: "avui-mateix",
    mail: "nuria@example.net",
    inDirectory: false,
    inSite: true,
    about: "new today: the directory knows her tomorrow",
  },
  {
    name: "oriol",
    password: "fa-temps",
    mail: "oriol@example.net",
    inDirectory: true,
    inSite: false,
    about: "his account at the web site is switched off",
  },
];

/** @throws Error for a name the lab does not know: a mistake in a test. */
export function labMember(name: string): LabMember {
  const member = MEMBERS.find((other) => other.name === name);
  if (!member) throw new Error(`The lab has no member called ${name}.`);
  return member;
}
