// SPDX-License-Identifier: GPL-3.0-or-later
// The site's tables of words: which statuses, kinds of service and models of hardware there are.

export const STATUSES: readonly string[] = [
  "Planned",
  "Reserved",
  "Building",
  "Testing",
  "Working",
  "Dropped",
  "Inactive",
];

export const SERVICE_TYPES: Readonly<Record<string, string>> = {
  AP: "Access Point",
  ADSL: "ADSL Router",
  Proxy: "Proxy Server",
  DNS: "DNS Server",
  NTP: "Time Server",
  mail: "Mail Server",
  web: "Web Server",
  ftp: "FTP Server",
  p2p: "Peer-to-peer Server",
  asterisk: "Telephony Server",
  radio: "Radio Broadcast",
  tv: "TV Broadcast",
  irc: "Chat Server",
  IM: "Instant Messaging Server",
  cam: "Webcam",
  svn: "Subversion Server",
  meteo: "Weather Station",
  "apt-cache": "Debian Package Cache",
  wol: "Wake on Lan Server",
  iperf: "Bandwidth Meter",
  teamspeak: "Teamspeak Server",
  games: "Game Server",
  SNPgraphs: "Graph Server",
  Streaming: "Streaming Server",
  VPN: "VPN Server",
  LDAP: "Directory Server",
  LogServer: "Log Server",
};

export const MODELS = [
  { mid: 1, fid: 1, model: "Supertrasto guifiBUS guifi.net", type: "Extern", supported: "Deprecated" },
  { mid: 25, fid: 2, model: "AirMaxM5 Rocket/Nano/Loco", type: "Extern", supported: "Yes" },
  { mid: 26, fid: 2, model: "AirMaxM5 Bullet/PwBrg/AirGrd/NanoBr", type: "Extern", supported: "Yes" },
  { mid: 40, fid: 3, model: "Routerboard 2011", type: "Extern", supported: "Yes" },
  { mid: 41, fid: 3, model: "Routerboard SXT Lite5", type: "Extern", supported: "Yes" },
] as const;

export const FIRMWARES: readonly string[] = ["AirOsv3.6+", "AirOsv5.x", "AirOsv52", "qMp", "RouterOSv6.x"];
