// Tells of every sample whether one of its words stands at an end of its range, with that sample's outputs.
//
// Whoever makes words of values, a converter say, saturates there: such a word may stand for a value beyond.  Of signed
// words the one that has no negative is an end, too, and so is the next.
//
// Beats are looked at as they are taken, and a flag waits for its sample's outputs, which come in the samples' order.
module mondeq_end_flag #(
  parameter int Inputs = mondeq_pkg::InputWords,
  parameter int Simd = mondeq_pkg::DriveSimd,
  parameter int InputBits = mondeq_pkg::InputBits,
  parameter bit InputSigned = mondeq_pkg::InputSigned != 0,
  parameter int Depth = mondeq_pkg::SamplesInFlight
) (
  input  logic                      clk_i,
  input  logic                      rst_ni,
  // Input: a beat of a sample is taken.
  input  logic                      take_i,
  input  logic                      whole_i,   // the sample is complete with it
  input  logic                      broken_i,  // its frame is broken with it: no sample
  input  logic [Simd*InputBits-1:0] beat_i,
  // Output: the last beat of a sample's outputs is taken.
  input  logic                      leaves_i,
  output logic                      flag_o     // of the sample whose outputs come next, or come now
);

  localparam int Beats = (Inputs + Simd - 1) / Simd;
  localparam int LastWords = Inputs - (Beats - 1) * Simd;
  localparam logic [InputBits-1:0] Last = InputSigned ? ~(InputBits'(1) << (InputBits - 1)) : '1;
  localparam logic [InputBits-1:0] First = InputSigned ? -Last : '0;
  localparam logic [InputBits-1:0] Least = ~Last;

  // Wrong parameters do not elaborate: there is no such module.
  if (Simd < 1 || Simd > Inputs || InputBits < 1 || Depth < 1) begin : g_wrong_size
    mondeq_error_end_flag_sizes u_error ();
  end

  // Lanes behind a sample's last word carry nothing.
  logic [Simd-1:0] ends, ends_q;
  logic take_q, whole_q, broken_q, found_q, found;

  for (genvar l = 0; l < Simd; l++) begin : g_lane
    logic [InputBits-1:0] word;

    assign word = beat_i[l*InputBits+:InputBits];
    assign ends[l] = ((word == Last) || (word == First) || (word == Least)) && ((l < LastWords) || !whole_i);
  end

  // In a cycle of its own, for beats may be wide.
  assign found = found_q || (ends_q != '0);

  always_ff @(posedge clk_i) begin
    ends_q <= ends;
    if (!rst_ni) begin
      take_q <= 1'b0;
      whole_q <= 1'b0;
      broken_q <= 1'b0;
      found_q <= 1'b0;
    end else begin
      take_q <= take_i;
      whole_q <= take_i && whole_i;
      broken_q <= take_i && broken_i;
      if (take_q) found_q <= found && !whole_q && !broken_q;
    end
  end

  // Never more than there is room for: every sample between the streams lies in one of the drive's two banks, in a slot,
  // or has outputs in the readout's buffer, which each hold a credit there.
  logic waits, lost;
  logic unused;
  assign unused = waits || lost;

  mondeq_fifo #(
    .Width(1),
    .Depth(Depth)
  ) u_flags (
    .clk_i,
    .rst_ni,
    .write_i(whole_q),
    .data_i (found),
    .valid_o(waits),
    .data_o (flag_o),
    .ready_i(leaves_i),
    .error_o(lost)
  );

`ifdef MONDEQ_ASSERT
  mondeq_assert u_there (.clk_i, .rst_ni, .holds_i(!leaves_i || waits));
`endif

endmodule
