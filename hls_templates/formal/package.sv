// The package of no program: units that are proved on their own have their parameters from the list of proofs.
package mondeq_pkg;
  parameter int LutWeightBits = 8;
  parameter int WeightBankDepth = 1024;
  parameter int MemoryParity = 0;
  parameter int OutputWords = 1;
  parameter int InputWords = 1;
  parameter int DriveSimd = 1;
  parameter int InputBits = 1;
  parameter int InputSigned = 0;
  parameter int SamplesInFlight = 1;
  parameter int Slots = 2;
  parameter int Watchdog = 1;
  parameter int StateWords = 1;
  parameter int StateBits = 2;
  parameter int ClipKinds = 1;
  parameter bit ClipRowKinds = 1'b0;
  parameter bit [1:0] ClipLowers = 2'b00;
  parameter bit [1:0] ClipUppers = 2'b01;
  parameter bit ClipBelow = 1'b1;
  parameter bit ClipAbove = 1'b0;
  parameter bit ClipComplements = 1'b0;
endpackage

package mondeq_board_pkg;
  parameter bit [7:0] Sync = 8'ha5;
  parameter bit [7:0] KindInfer = 8'h01;
  parameter bit [7:0] KindIdentify = 8'h02;
  parameter bit [7:0] KindResult = 8'h81;
  parameter bit [7:0] KindIdentity = 8'h82;
  parameter bit [7:0] KindError = 8'hff;
  parameter bit [7:0] ReasonNone = 8'h00;
  parameter bit [7:0] ReasonCrc = 8'h01;
  parameter bit [7:0] ReasonLength = 8'h02;
  parameter bit [7:0] ReasonKind = 8'h03;
  parameter bit [7:0] ReasonBusy = 8'h04;
  parameter bit [7:0] ReasonLine = 8'h05;
  parameter bit [7:0] ReasonTimeout = 8'h06;
  parameter bit [7:0] ReasonStray = 8'h07;
  parameter int IdentityBytes = 3;
  parameter bit [23:0] Identity = 24'hc0ffee;
endpackage
