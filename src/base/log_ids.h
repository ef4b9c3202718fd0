/* MESSAGE_ID of the events an operator may want to match: journalctl MESSAGE_ID=... They never change. */
#pragma once

/* One a line, so that they compare at a glance. */
/* clang-format off */
#define MESSAGE_PUBLISHED         "4f0b6c3e8d4a4b6f9d5f2c7a10e3b001" /* a new serial is served */
#define MESSAGE_BROKEN            "4f0b6c3e8d4a4b6f9d5f2c7a10e3b002" /* a zone's text has errors; what was served stays */
#define MESSAGE_HELD              "4f0b6c3e8d4a4b6f9d5f2c7a10e3b003" /* the guard holds a change */
#define MESSAGE_MISSING           "4f0b6c3e8d4a4b6f9d5f2c7a10e3b004" /* a zone has no file, and nothing of it is served */
#define MESSAGE_BEHIND            "4f0b6c3e8d4a4b6f9d5f2c7a10e3b005" /* a secondary holds a serial ahead of ours */
#define MESSAGE_NOTIFY_ACK        "4f0b6c3e8d4a4b6f9d5f2c7a10e3b006" /* a target acknowledged a NOTIFY */
#define MESSAGE_NOTIFY_DOWN       "4f0b6c3e8d4a4b6f9d5f2c7a10e3b007" /* a target does not answer NOTIFY */
#define MESSAGE_NOTIFY_REFUSED    "4f0b6c3e8d4a4b6f9d5f2c7a10e3b008" /* a target answers NOTIFY with an error */
#define MESSAGE_TRANSFER          "4f0b6c3e8d4a4b6f9d5f2c7a10e3b009" /* an AXFR or IXFR was served */
#define MESSAGE_TRANSFER_REFUSED  "4f0b6c3e8d4a4b6f9d5f2c7a10e3b00a" /* a query or transfer was refused */
#define MESSAGE_TRANSFER_FAILED   "4f0b6c3e8d4a4b6f9d5f2c7a10e3b00b" /* a transfer broke off */
#define MESSAGE_CONFIG_WRONG      "4f0b6c3e8d4a4b6f9d5f2c7a10e3b00c" /* a reload's configuration has errors; the old one stays */
#define MESSAGE_STORE_DAMAGED     "4f0b6c3e8d4a4b6f9d5f2c7a10e3b00d" /* a stored value failed its checksum */
#define MESSAGE_STORE_FULL        "4f0b6c3e8d4a4b6f9d5f2c7a10e3b00e" /* no room to commit; the publish waits */
#define MESSAGE_NOTIFY_UP         "4f0b6c3e8d4a4b6f9d5f2c7a10e3b00f" /* a target that was down answers again */
#define MESSAGE_NOT_TRANSFERRED   "4f0b6c3e8d4a4b6f9d5f2c7a10e3b010" /* a target acknowledged, and never asked */
#define MESSAGE_CONTROL           "4f0b6c3e8d4a4b6f9d5f2c7a10e3b011" /* a command that changes something, with its caller */
#define MESSAGE_SERIAL_LOST       "4f0b6c3e8d4a4b6f9d5f2c7a10e3b012" /* no known last serial for a zone that may be out there */
#define MESSAGE_REMOVED           "4f0b6c3e8d4a4b6f9d5f2c7a10e3b021" /* a zone is no longer served */
#define MESSAGE_RETIRED_SOURCE    "4f0b6c3e8d4a4b6f9d5f2c7a10e3b0c1" /* a transfer from an address that its provider gives up */
#define MESSAGE_SERIAL_SET        "4f0b6c3e8d4a4b6f9d5f2c7a10e3b0d1" /* serial-set began, took a step, ended */
#define MESSAGE_WRITE_BACK        "4f0b6c3e8d4a4b6f9d5f2c7a10e3b0d2" /* the serial cannot be written into the zone's file */
#define MESSAGE_GIT_FAILED        "4f0b6c3e8d4a4b6f9d5f2c7a10e3b0a8" /* a repository cannot be read, or fetched into */
#define MESSAGE_EVENT_FAILED      "4f0b6c3e8d4a4b6f9d5f2c7a10e3b0e1" /* the program of on-event failed, or found no room */
#define MESSAGE_PUSHED            "4f0b6c3e8d4a4b6f9d5f2c7a10e3b081" /* a pushed provider is in sync with a new serial */
#define MESSAGE_PUSH_HELD         "4f0b6c3e8d4a4b6f9d5f2c7a10e3b082" /* a push waits for approve */
#define MESSAGE_PUSH_FAILED       "4f0b6c3e8d4a4b6f9d5f2c7a10e3b083" /* the provider refuses a record */
#define MESSAGE_PUSH_RETRYING     "4f0b6c3e8d4a4b6f9d5f2c7a10e3b084" /* a push waits for the provider and goes on by itself */
#define MESSAGE_PUSH_DRIFT        "4f0b6c3e8d4a4b6f9d5f2c7a10e3b085" /* somebody else changed records at the provider */
#define MESSAGE_PUSH_SIGNED       "4f0b6c3e8d4a4b6f9d5f2c7a10e3b086" /* a signed zone is pushed, without its signatures and keys */
#define MESSAGE_TRANSFER_FORCED   "4f0b6c3e8d4a4b6f9d5f2c7a10e3b088" /* a provider's API was asked to transfer a zone now */
#define MESSAGE_API_FAILED        "4f0b6c3e8d4a4b6f9d5f2c7a10e3b089" /* the API beside a provider's transfers fails */
#define MESSAGE_ALIAS_FAILED      "4f0b6c3e8d4a4b6f9d5f2c7a10e3b0a1" /* the addresses of an ALIAS target cannot be had */
#define MESSAGE_ALIAS_RESOLVED    "4f0b6c3e8d4a4b6f9d5f2c7a10e3b0a2" /* ... are there again */
#define MESSAGE_STALE             "4f0b6c3e8d4a4b6f9d5f2c7a10e3b0f1" /* a secondary is later than alert-after allows */
#define MESSAGE_IN_SYNC           "4f0b6c3e8d4a4b6f9d5f2c7a10e3b0f2" /* one that was stale has the zone */
#define MESSAGE_SAMPLE_OLD        "4f0b6c3e8d4a4b6f9d5f2c7a10e3b0f3" /* a secondary serves the new serial with an old RRset */
#define MESSAGE_UNLISTED_ADDRESS  "4f0b6c3e8d4a4b6f9d5f2c7a10e3b0f4" /* the right key from an address that its block does not have */
