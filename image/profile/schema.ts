// SPDX-License-Identifier: GPL-3.0-or-later
// What a profile may say. `profileSchema` describes the merged whole that the build works with; a single file may
// leave things to its parent and take entries off its lists, which is `profileFileSchema`. The latter is published as
// profiles/schemas/profile.schema.json (written by docs/generate.ts).
import type { FromSchema } from "json-schema-to-ts";

const packageName = {
  type: "string",
  pattern: "^[a-z0-9][a-z0-9+.-]+$",
  "x-expected": "the name of a Debian package, such as nano",
} as const;

const packageList = { type: "array", uniqueItems: true, items: packageName } as const;

const mebibytes = { type: "integer", minimum: 1 } as const;

const moduleName = {
  type: "string",
  pattern: "^[A-Za-z0-9_-]+$",
  "x-expected": "a kernel module, such as virtio_blk",
} as const;

export const profileSchema = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  $id: "profile.schema.json",
  title: "Profile of a Community Box",
  description:
    "One hardware target. Maps merge with those of the parent, lists go on from the parent's list.",
  type: "object",
  additionalProperties: false,
  required: [
    "id",
    "title",
    "release",
    "architecture",
    "base_packages",
    "packages",
    "kernel",
    "consoles",
    "overlays",
    "boot",
    "disk",
    "memory_mib",
  ],
  properties: {
    id: {
      type: "string",
      description: "Name of the profile; the same as the file's name.",
      pattern: "^[a-z0-9][a-z0-9-]*$",
      "x-expected": "lower-case letters, digits and hyphens, such as vm-amd64",
    },
    title: { type: "string", description: "One line for lists, such as the product's name.", minLength: 1 },
    description: {
      type: "string",
      description: "What a person should know before choosing it.",
      default: "",
    },
    abstract: {
      type: "boolean",
      description: "True for a family that other profiles inherit from and that cannot be built itself.",
      default: false,
    },
    form: {
      enum: ["disk", "container", "convert"],
      description:
        "What is made: a disk that a machine starts from, a root file system for Incus, LXC and nspawn, or a file that turns an installed Debian into a box.",
      default: "disk",
    },
    release: { enum: ["trixie", "bookworm"], description: "Debian release." },
    architecture: { enum: ["amd64", "arm64", "i386", "armhf"], description: "Debian architecture." },
    security_archive: {
      type: "boolean",
      description:
        "False where the image is made without RELEASE-security, because mirrors have no index of it that can be used; on the box APT asks for it all the same.",
      default: true,
    },
    base_packages: {
      ...packageList,
      description: "Packages of the base layer, which all profiles of a release and architecture share.",
    },
    packages: {
      ...packageList,
      description: "Packages of this hardware; the kernel is named in kernel.package.",
    },
    kernel: {
      type: "object",
      description: "The kernel and what it is told.",
      additionalProperties: false,
      required: ["arguments", "initramfs_modules"],
      properties: {
        package: {
          ...packageName,
          description: "Kernel package, such as linux-image-amd64; a container has none.",
        },
        suite: {
          type: "string",
          description: "Where the kernel is from, such as trixie-backports; the release itself unless said.",
          pattern: "^([a-z]+-backports)?$",
          "x-expected": "a suite such as trixie-backports",
          default: "",
        },
        minimum: {
          type: "string",
          description: "Oldest kernel that this hardware works with, such as 6.18.",
          pattern: "^[0-9]+([.][0-9]+)*$",
          "x-expected": "a version such as 6.18",
        },
        arguments: {
          type: "array",
          description: "Words of the kernel command line; root= and console= are added by the build.",
          uniqueItems: true,
          items: {
            type: "string",
            pattern: "^\\S+$",
            "x-expected": "one word of the command line, such as quiet",
          },
        },
        initramfs_modules: {
          type: "array",
          description: "Kernel modules needed to find the root file system.",
          uniqueItems: true,
          items: moduleName,
        },
        blacklist: {
          type: "array",
          description: "Kernel modules that must not load by themselves on this hardware.",
          uniqueItems: true,
          items: moduleName,
          default: [],
        },
      },
    },
    consoles: {
      type: "array",
      description:
        "Where set-up and log-in appear, as in console=; the last one is /dev/console. None on a converted machine.",
      items: {
        type: "object",
        additionalProperties: false,
        required: ["device"],
        properties: {
          device: {
            type: "string",
            description: "Name below /dev; a child profile changes an entry by this name.",
            pattern: "^(tty[A-Za-z0-9]+|hvc[0-9]|console)$",
            "x-expected": "a terminal such as tty1 or ttyS0",
          },
          kernel: {
            type: "string",
            description: "Value of the kernel's console= argument, such as tty0 or ttyS0,115200.",
            pattern: "^(tty[A-Za-z0-9]+(,[0-9]+[neo]?[78]?r?)?|hvc[0-9])$",
            "x-expected": "a console= value such as ttyS0,115200",
          },
          speed: {
            enum: [9600, 19200, 38400, 57600, 115200, 230400, 460800, 921600, 1500000],
            description: "Baud rate of a serial line; leave it out for a screen.",
          },
        },
      },
    },
    hardware: {
      type: "object",
      description: "What is built into this hardware; checked on the finished image.",
      additionalProperties: false,
      required: ["devices"],
      default: { devices: [] },
      properties: {
        devices: {
          type: "array",
          description: "Devices that must work, each with the module and the firmware files it needs.",
          items: {
            type: "object",
            additionalProperties: false,
            required: ["name", "id", "module"],
            properties: {
              name: {
                type: "string",
                description: "What a person calls it; a child profile changes an entry by this name.",
                pattern: "^[A-Za-z0-9].*$",
                "x-expected": "a name such as Ethernet (RTL8111EVL)",
              },
              id: {
                type: "string",
                description:
                  "How the kernel knows it: pci:VENDOR:DEVICE or usb:VENDOR:PRODUCT (with :CLASS for drivers that go by class), sdio:VENDOR:DEVICE, acpi:ID, virtio:TYPE, of:COMPATIBLE, or another modalias as it is, such as platform:iTCO_wdt.",
                pattern:
                  "^((pci|usb):[0-9a-f]{4}:[0-9a-f]{4}(:[0-9a-f]{6})?|sdio:[0-9a-f]{4}:[0-9a-f]{4}|acpi:[0-9A-Z]{7,8}|virtio:[0-9]+|of:[A-Za-z0-9,._+-]+|(platform|mmc):[A-Za-z0-9._-]+)$",
                "x-expected": "an id such as pci:10ec:8168, usb:0bda:8152, sdio:024c:b723 or acpi:80860F14",
              },
              module: { ...moduleName, description: "The kernel module that drives it." },
              firmware: {
                type: "array",
                description: "Files below /usr/lib/firmware that the module asks for.",
                uniqueItems: true,
                items: {
                  type: "string",
                  pattern: '^[^-/\\s][^"]*$',
                  "x-expected": "a path such as rtl_nic/rtl8168e-3.fw",
                },
              },
              package: { ...packageName, description: "The package that brings the firmware." },
              root: {
                type: "boolean",
                description: "The root file system can be behind it: its module must be in the initrd.",
              },
            },
          },
        },
      },
    },
    watchdog: {
      type: "object",
      description: "The timer that restarts a box whose system hangs.",
      additionalProperties: false,
      required: ["seconds"],
      default: { seconds: 0 },
      properties: {
        seconds: {
          type: "integer",
          description: "systemd's RuntimeWatchdogSec; 0 leaves the watchdog alone.",
          minimum: 0,
        },
      },
    },
    overlays: {
      type: "array",
      description: "Folders below overlays/, laid over the root file system in this order.",
      uniqueItems: true,
      items: {
        type: "string",
        pattern: "^[a-z0-9][a-z0-9-]*$",
        "x-expected": "a folder's name, such as base",
      },
    },
    boot: {
      type: "object",
      description: "How the machine starts, and the CBOX-BOOT partition.",
      additionalProperties: false,
      required: ["firmware", "mount"],
      properties: {
        firmware: {
          type: "array",
          description: "Firmware the one image must start from.",
          uniqueItems: true,
          items: { enum: ["bios", "efi64", "efi32", "videocore", "rpi-eeprom"] },
        },
        mount: {
          type: "string",
          description: "Where CBOX-BOOT is mounted on the box; without one, the folder of answers.yaml.",
          pattern: "^(/[A-Za-z0-9._-]+)+$",
          "x-expected": "an absolute path such as /boot/efi",
        },
        device_trees: {
          type: "array",
          description: "Device trees that must be on CBOX-BOOT, one for each board, such as bcm2837-rpi-3-b.",
          uniqueItems: true,
          items: {
            type: "string",
            pattern: "^[a-z0-9][a-z0-9-]*$",
            "x-expected": "the name of a device tree without .dtb, such as bcm2837-rpi-3-b",
          },
          default: [],
        },
        size_mib: {
          type: "integer",
          description: "Size of CBOX-BOOT in MiB.",
          minimum: 34,
          maximum: 4096,
          default: 64,
        },
      },
    },
    disk: {
      type: "object",
      description: "Sizes on the disk of the box.",
      additionalProperties: false,
      required: ["root_slack_mib", "root_max_gib", "minimum_gib"],
      properties: {
        root_slack_mib: {
          type: "integer",
          description: "Free space in the root file system as shipped, in MiB.",
          minimum: 32,
        },
        root_max_gib: {
          type: "integer",
          description: "Root grows to this on first boot; the rest is for data. GiB.",
          minimum: 1,
        },
        minimum_gib: {
          type: "integer",
          description:
            "Smallest disk the image is made for, in GiB; one that is sold as that many GB will do.",
          minimum: 1,
        },
      },
    },
    contexts: {
      enum: ["incus", "none"],
      description: "What divides the box into contexts; none where its Debian has no Incus.",
      default: "incus",
    },
    outputs: {
      type: "array",
      description: "Forms of the image beside the packed raw disk.",
      uniqueItems: true,
      items: { enum: ["qcow2"] },
      default: [],
    },
    services: {
      type: "object",
      description:
        "Where the software of services is, by their name, where that is not to be as their entry says: installed, as .deb files in the image, or only on the network.",
      propertyNames: { pattern: "^[a-z][a-z0-9-]*$" },
      additionalProperties: { enum: ["image", "pool", "network"] },
      default: {},
    },
    install: {
      type: "boolean",
      description: "Started from a stick or a card, the set-up offers to install to a disk of the box.",
      default: false,
    },
    memory_mib: {
      type: "object",
      description: "Memory of the box, in MiB.",
      additionalProperties: false,
      required: ["minimum", "recommended"],
      properties: {
        minimum: { ...mebibytes, description: "Below this the box is not expected to work." },
        recommended: { ...mebibytes, description: "Enough for the default services." },
      },
    },
    qemu: {
      type: "object",
      description: "The virtual machine that stands for this hardware in ./cbox boot and in the tests.",
      additionalProperties: false,
      required: ["system", "machine", "cpu", "memory_mib", "disk", "network"],
      properties: {
        system: { enum: ["x86_64", "i386", "aarch64", "arm"], description: "qemu-system-<this> is run." },
        machine: { type: "string", description: "QEMU's -machine.", examples: ["q35"] },
        cpu: { type: "string", description: "QEMU's -cpu.", examples: ["max"] },
        processors: {
          type: "string",
          description: "QEMU's -smp; two unless said.",
          examples: ["4,cores=2,threads=2"],
        },
        memory_mib: { ...mebibytes, description: "Memory of the virtual machine in MiB." },
        disk: {
          enum: ["virtio", "ide", "sd", "sdhci", "usb"],
          description:
            "How the disk is attached. sd: in the board's own card slot; sdhci: in that of a controller on PCI, which QEMU's firmware does not read.",
        },
        network: {
          type: "string",
          description: "QEMU's network device; one that starts with usb- gets a USB controller.",
          examples: ["virtio-net-pci"],
        },
        watchdog: { type: "string", description: "QEMU's watchdog device.", examples: ["i6300esb"] },
        screen: {
          type: "string",
          description: "QEMU's graphics device; a VGA card unless said, none where the board has one.",
          examples: ["virtio-gpu-pci"],
        },
        serial_port: {
          type: "integer",
          description: "Which of the machine's serial ports is the box's, from 0.",
          default: 0,
          minimum: 0,
        },
        device_tree: {
          type: "string",
          description:
            "QEMU loads this device tree of CBOX-BOOT, and the kernel it names, as the firmware would have done.",
          examples: ["bcm2837-rpi-3-b"],
        },
      },
    },
  },
} as const;

export type Profile = FromSchema<typeof profileSchema>;

type Schema = Readonly<Record<string, unknown>>;

const { $schema, $id, title, description, properties, ...rules } = profileSchema;
const { id, ...others } = properties;

export const profileFileSchema: Schema = {
  $schema,
  $id,
  title,
  description,
  ...asFile(rules),
  required: ["id", "title"],
  properties: {
    id,
    parent: { ...id, description: "The profile this one continues." },
    ...asFile(others),
  },
};

/** The schema without what a parent may bring: nothing is required, nothing is filled in, lists may be short. */
function asFile(schema: Schema): Schema {
  const { required: _required, minItems: _minItems, default: _default, ...kept } = schema;
  return Object.fromEntries(
    Object.entries(kept).map(([key, value]) => {
      if (key === "items") return [key, asListEntry(value as Schema)];
      return [key, isSchema(value) ? asFile(value) : value];
    }),
  );
}

/** A list's entry, or a text that starts with "-": it takes that entry of the parent's list away. */
function asListEntry(items: Schema): Schema {
  const identity = identityKey(items);
  if (identity) {
    // A map is known by one key; without that key it could not be told which entry of the parent it changes.
    const keyed = propertiesOf(items)[identity] as { pattern: string };
    return {
      ...asFile(items),
      type: ["object", "string"],
      required: [identity],
      pattern: keyed.pattern.replace("^", "^-"),
      "x-expected": `a mapping with ${identity}, or "-" and the ${identity} of an inherited entry`,
    };
  }
  if (Array.isArray(items.enum))
    return { ...items, enum: [...items.enum, ...items.enum.map((word) => `-${word}`)] };
  return { ...items, pattern: String(items.pattern).replace("^", "^-?") };
}

/** The key that tells the maps of a list apart: the first required one. Undefined for a list of texts. */
export function identityKey(items: Schema): string | undefined {
  return (items.required as readonly string[] | undefined)?.[0];
}

export function propertiesOf(schema: Schema): Readonly<Record<string, Schema>> {
  return (schema.properties ?? {}) as Record<string, Schema>;
}

function isSchema(value: unknown): value is Schema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
