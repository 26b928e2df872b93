// A state that is carried from sample to sample: the words of a sample's last outputs, rounded and saturated to input
// words, are its successor's last inputs.
//
// It begins with Initial after every reset.  A load, a frame that has load_i, replaces it with its last beat and is no
// sample: it is taken once all samples before it have left theirs.
module mondeq_carried #(
  parameter int Inputs = mondeq_pkg::InputWords,
  parameter int Words = mondeq_pkg::CarriedWords,
  parameter int Simd = mondeq_pkg::DriveSimd,
  parameter int InputBits = mondeq_pkg::InputBits,
  parameter int OutputBits = mondeq_pkg::OutputBits,
  parameter int Shift = mondeq_pkg::CarriedShift,
  parameter bit [Words*InputBits-1:0] Initial = mondeq_pkg::CarriedInitial,
  localparam int Beats = (Inputs + Simd - 1) / Simd,
  localparam int LoadBeats = (Words + Simd - 1) / Simd,
  localparam int MostBeats = (LoadBeats > Beats) ? LoadBeats : Beats,
  localparam int IndexBits = (MostBeats > 1) ? $clog2(MostBeats) : 1
) (
  input  logic                       clk_i,
  input  logic                       rst_ni,
  // Stream.
  input  logic                       beat_valid_i,
  input  logic [IndexBits-1:0]       beat_index_i,  // in its frame
  input  logic                       load_i,        // of the frame
  input  logic                       whole_i,       // the frame is complete with this beat
  input  logic [Simd*InputBits-1:0]  beat_i,
  output logic                       beat_ready_o,
  // To the drive engine.
  output logic                       drive_valid_o,
  input  logic                       drive_ready_i,
  output logic [Words*InputBits-1:0] state_o,
  output logic                       fresh_o,   // it is that of the sample that the drive has not read yet
  input  logic                       taken_i,
  // From the readout engine.
  input  logic                       write_i,
  input  logic                       last_i,
  input  logic [OutputBits-1:0]      word_i
);

  localparam int SamplesBits = 3;  // two banks, one being read, one in the solver
  localparam int SumBits = OutputBits + 1;
  localparam logic signed [SumBits-1:0] Half = (SumBits'(1) << Shift) >> 1;
  localparam logic signed [InputBits-1:0] Least = {1'b1, {(InputBits - 1){1'b0}}};
  localparam logic signed [InputBits-1:0] Most = {1'b0, {(InputBits - 1){1'b1}}};

  // Wrong parameters do not elaborate: there is no such module.
  if (Words < 1 || InputBits < 2 || Shift < 0 || Simd < 1 || Simd > Inputs) begin : g_wrong_size
    mondeq_error_carried_sizes u_error ();
  end

  // ---------------------------------------------------------------------------------------------------------------
  // Samples and loads.

  logic load, complete, written_q, fresh_q, next_valid_q, next_last_q;
  logic [SamplesBits-1:0] samples_q;

  assign beat_ready_o = load_i ? (samples_q == '0) : drive_ready_i;
  assign drive_valid_o = beat_valid_i && !load_i;
  assign complete = drive_valid_o && drive_ready_i && whole_i;
  assign load = beat_valid_i && load_i && beat_ready_o;
  assign fresh_o = fresh_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      samples_q <= '0;
      fresh_q <= 1'b1;
    end else begin
      if (complete && !written_q) samples_q <= samples_q + 1'b1;
      if (!complete && written_q) samples_q <= samples_q - 1'b1;
      if (taken_i) fresh_q <= 1'b0;
      else if (next_valid_q && next_last_q) fresh_q <= 1'b1;
    end
  end

  // ---------------------------------------------------------------------------------------------------------------
  // The next state: rounded, saturated, and shifted in behind the words before it.

  // Beyond an input word only the sign and whether it fits are left of the sum.
  logic signed [SumBits-1:0] rounded;
  logic signed [InputBits-1:0] next, next_q;
  logic [Words*InputBits-1:0] state_q;

  assign rounded = (SumBits'($signed(word_i)) + Half) >>> Shift;

  always_comb begin
    next = InputBits'(rounded);
    if (rounded > SumBits'(Most)) next = Most;
    if (rounded < SumBits'(Least)) next = Least;
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      next_valid_q <= 1'b0;
      written_q <= 1'b0;
    end else begin
      next_valid_q <= write_i;
      written_q <= next_valid_q && next_last_q;
    end
    next_last_q <= last_i;
    next_q <= next;
  end

  // Of a load, the words of its last beat and of those before it.
  logic [Words*InputBits-1:0] loaded;

  if (LoadBeats > 1) begin : g_beats
    localparam int Kept = (LoadBeats - 1) * Simd;
    logic [Kept*InputBits-1:0] kept_q;

    always_ff @(posedge clk_i) begin
      for (int b = 0; b < LoadBeats - 1; b++) begin
        if (load && (beat_index_i == IndexBits'(b))) kept_q[b*Simd*InputBits+:Simd*InputBits] <= beat_i;
      end
    end
    assign loaded = {beat_i[(Words-Kept)*InputBits-1:0], kept_q};
  end else begin : g_beat
    logic unused_beat;
    assign unused_beat = ^{beat_index_i, beat_i};
    assign loaded = beat_i[Words*InputBits-1:0];
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      state_q <= Initial;
    end else if (next_valid_q) begin
      for (int i = 0; i < Words - 1; i++) state_q[i*InputBits+:InputBits] <= state_q[(i+1)*InputBits+:InputBits];
      state_q[(Words-1)*InputBits+:InputBits] <= next_q;
    end else if (load && whole_i) begin
      state_q <= loaded;
    end
  end

  assign state_o = state_q;

`ifdef MONDEQ_ASSERT
  mondeq_assert u_samples (.clk_i, .rst_ni, .holds_i((int'(samples_q) <= 4) && !(written_q && (samples_q == '0))));
  mondeq_assert u_one_writer (.clk_i, .rst_ni, .holds_i(!(load && next_valid_q)));
  mondeq_assert u_load_index (.clk_i, .rst_ni, .holds_i(!load || (int'(beat_index_i) < LoadBeats)));
`endif

endmodule
